//! What Fanlane needs of the system, which is Linux: processes and their descriptors, sockets and the frames on them, clocks,
//! shared memory and waiting for its changes. Functions that are called in other processes, and tasks, are not known here.

#[cfg(not(target_os = "linux"))]
compile_error!("Fanlane runs on Linux only: it is built on pidfds, futexes, sealed memory files and abstract sockets.");

pub mod append;
pub mod argument_limit;
pub mod backoff;
pub mod child;
pub mod clock;
pub mod descriptors;
pub mod event_count;
pub mod fd_passing;
pub mod folder_watch;
pub mod frame;
pub mod futex;
#[cfg(feature = "interrupts")]
pub mod interrupts;
pub mod journaled;
pub mod launch;
pub mod lent_terminal;
pub mod limit;
pub mod machine;
pub mod mailbox;
pub mod main_stack;
pub mod memory;
pub mod memory_kills;
pub mod message_reader;
pub mod multipath;
pub mod network_folder;
pub mod new_file_mask;
pub mod own_descriptor;
pub mod owned_folder;
pub mod pacing;
pub mod parent_death;
pub mod process_facts;
pub mod process_id;
pub mod process_tree;
pub mod progress;
pub mod question;
pub mod reap;
pub mod robust;
#[cfg(feature = "interrupts")]
pub mod scheduler_signals;
pub mod search_path;
pub mod shared_memory;
pub mod signal;
pub mod socket;
pub mod spin_wait;
pub mod standard_streams;
pub mod start_pages;
pub mod terminal;
#[cfg(feature = "interrupts")]
pub mod terminal_signals;
pub mod thread_times;
pub mod volatile_slice;
pub mod waker;
