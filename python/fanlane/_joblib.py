"""The backend of joblib, so that what uses joblib, scikit-learn above all, runs in workers of Fanlane."""

from __future__ import annotations

import operator
import weakref
from typing import Any, Callable, Dict, Optional

from ._pickling import name_of
from ._pool import Pool, cpu_count
from ._results import AsyncResult


def register_joblib(name: str = "fanlane", make_default: bool = False) -> None:
    """Makes joblib know the backend `name`.

    ```python
    import fanlane, joblib

    fanlane.register_joblib()
    with joblib.parallel_config("fanlane", n_jobs=8):
        search.fit(x, y)
    ```

    The block is one run of Fanlane, whose workers are kept until its end. Parameters of `Pool` can be given behind the name:
    `parallel_config("fanlane", n_jobs=8, retries=2)`. `make_default` has joblib use it wherever no other backend is asked for.
    """
    try:
        from joblib import register_parallel_backend
    except ImportError as error:
        raise ImportError("joblib is not installed for this Python; install it, or scikit-learn, which brings it") from error
    register_parallel_backend(name, _backend(), make_default=make_default)


def _backend() -> Any:
    """The class of the backend, which can only be made where joblib is."""
    from joblib._parallel_backends import AutoBatchingMixin, ParallelBackendBase, SequentialBackend
    from joblib.parallel import FallbackToBackend

    class FanlaneBackend(AutoBatchingMixin, ParallelBackendBase):  # type: ignore[misc]
        """Calls batches of joblib in workers of Fanlane."""

        supports_retrieve_callback = True
        supports_inner_max_num_threads = True

        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            self.workers: Optional[_Workers] = None

        def effective_n_jobs(self, n_jobs: Optional[int]) -> int:
            if n_jobs == 0:
                raise ValueError("n_jobs == 0 in Parallel has no meaning")
            if n_jobs is None:
                return 1
            return max(cpu_count() + 1 + n_jobs, 1) if n_jobs < 0 else n_jobs

        def configure(self, n_jobs: Optional[int] = 1, parallel: Any = None, **_: Any) -> int:
            # The other parameters are about how other backends pass arrays on.
            count = self.effective_n_jobs(n_jobs)
            if count == 1:
                raise FallbackToBackend(SequentialBackend(nesting_level=self.nesting_level))
            self.parallel = parallel
            options = self.backend_kwargs
            environment = self._prepare_worker_env(n_jobs=count)
            if self.workers is None or not self.workers.serves(count, environment, options):
                self.end_workers()
                self.workers = _Workers(count, environment, options)
                self.ender = weakref.finalize(self, self.workers.end)
            return count

        def submit(self, func: Callable[[], Any], callback: Optional[Callable[[Any], Any]] = None) -> Any:
            assert self.workers is not None, "configure is called first"
            return self.workers.submit(func, callback)

        def retrieve_result_callback(self, out: Any) -> Any:
            if isinstance(out, BaseException):
                raise out
            return out

        def terminate(self) -> None:
            # The workers are kept for the next call.
            self.reset_batch_stats()

        def abort_everything(self, ensure_ready: bool = True) -> None:
            if self.workers is not None:
                self.workers.cancel()

        def end_workers(self) -> None:
            if self.workers is not None:
                self.ender()
                self.workers = None

    return FanlaneBackend


_call = operator.methodcaller("__call__")


class _Workers:
    """The pool of a backend, and what it was made for."""

    def __init__(self, count: int, environment: Dict[str, str], options: Dict[str, Any]) -> None:
        self.made_for = (count, environment, options)
        self.pool = Pool(count, env=environment, **options)

    def serves(self, *wanted: Any) -> bool:
        return self.made_for == wanted and not self.pool._run.has_ended

    def submit(self, batch: Any, callback: Optional[Callable[[Any], Any]]) -> "AsyncResult[Any]":
        result: "AsyncResult[Any]" = AsyncResult(self.pool, callback, callback)
        items = getattr(batch, "items", None) or [(batch, (), {})]
        name = name_of(items[0][0])
        label = name if len(items) == 1 else f"{name} × {len(items)}"
        self.pool._run.call(result, _call, (batch,), {}, label)
        return result

    def cancel(self) -> None:
        """Cancels all calls, also those that run; the workers stay."""
        self.pool._run.cancel_all()

    def end(self) -> None:
        self.pool.close()
        self.pool.join()
