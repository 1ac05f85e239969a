"""Why tests of CPython do not pass with the classes of Fanlane. What is not listed here is not explained yet."""

_PROCESSES = "looks into the private `_processes`, which Fanlane's executor has not: the processes are those of the run"
_EXECUTOR = "ProcessPoolSpawnProcessPoolExecutorTest."
_SHUTDOWN = "ProcessPoolSpawnProcessPoolShutdownTest."
_MANAGER = "looks into the private `_executor_manager_thread`"
_FORCE = "replaces or calls the private `_force_shutdown`"
_INHERITED = "hands over an object of multiprocessing that only its own children inherit; workers are new interpreters"

REASONS = {
    "ProcessPoolSpawnFailingInitializerTest.test_initializer": _INHERITED,
    _EXECUTOR + "test_broken_process_pool_traceback": _PROCESSES,
    _EXECUTOR + "test_failed_worker_replacement_breaks_pool": _MANAGER,
    _EXECUTOR + "test_force_shutdown_during_max_tasks_worker_exit": _MANAGER,
    _EXECUTOR + "test_force_shutdown_workers": _PROCESSES,
    _EXECUTOR + "test_force_shutdown_workers_dead_workers": "wants a dead worker to break the executor; its one call raises `WorkerDied`, and "
    "the executor goes on",
    _EXECUTOR + "test_force_shutdown_workers_invalid_op": _FORCE,
    _EXECUTOR + "test_force_shutdown_workers_stops_pool": _PROCESSES,
    _EXECUTOR + "test_gc_during_max_tasks_worker_exit_gh152967": _MANAGER,
    _EXECUTOR + "test_kill_workers": _FORCE,
    _EXECUTOR + "test_shutdown_no_wait_max_tasks_gh119592": _MANAGER,
    _EXECUTOR + "test_terminate_workers": _FORCE,
    _SHUTDOWN + "test_shutdown_gh_132969_case_1": _MANAGER,
    _SHUTDOWN + "test_shutdown_gh_132969_case_2": _MANAGER,
    _EXECUTOR + "test_idle_process_reuse_multiple": _PROCESSES,
    _EXECUTOR + "test_idle_process_reuse_one": _PROCESSES,
    _EXECUTOR + "test_killed_child": _PROCESSES + "; a dead worker fails its own call alone",
    _EXECUTOR + "test_max_tasks_per_child": _PROCESSES,
    _EXECUTOR + "test_max_tasks_per_child_defaults_to_spawn_context": "looks into the private `_mp_context`",
    _EXECUTOR + "test_python_finalization_error": "has Python refuse a second thread and wants that to break the executor; `map` raises what Python "
    "says, and the executor can be used and shut down",
    _EXECUTOR + "test_saturation": _PROCESSES,
    _EXECUTOR + "test_traceback": "wants the private type `_RemoteTraceback`; the cause is `fanlane.RemoteTraceback`",
    _SHUTDOWN + "test_cancel_futures": "wants one of the calls that were just submitted to be beyond cancelling; all that no worker has begun are "
    "cancelled, so it depends on whether one has",
    _SHUTDOWN + "test_context_manager_shutdown": _PROCESSES,
    _SHUTDOWN + "test_del_shutdown": _MANAGER,
    _SHUTDOWN + "test_processes_terminate": _PROCESSES,
    _SHUTDOWN + "test_shutdown_no_wait": _PROCESSES,
    "TestPool.test_make_pool": "looks into the private `_pool`",
    "TestPool.test_traceback": "wants the type `multiprocessing.pool.RemoteTraceback`; the cause is `fanlane.RemoteTraceback`",
}

# Those that would wait for ever: they leave their executor with a call that only ends once they have gone on.
WAIT_FOR_EVER = {_EXECUTOR + "test_force_shutdown_workers"}
