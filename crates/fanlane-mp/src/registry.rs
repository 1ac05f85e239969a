//! The functions and services of this program by name, and the executable that processes are started from. It starts
//! nothing and knows neither processes nor pools: [`init`](crate::init) fills it.

use std::any::TypeId;
use std::collections::HashMap;
use std::ffi::OsString;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::{OnceLock, PoisonError, RwLock};

use crate::error::SpawnError;
use crate::function::{Body, Function, Run};
use fanlane_os::child::OWN_EXECUTABLE;

static REGISTRY: OnceLock<Registry> = OnceLock::new();
static EXECUTABLE: RwLock<Option<PathBuf>> = RwLock::new(None);

struct Registry {
    names: HashMap<TypeId, &'static str>,
    bodies: HashMap<&'static str, Body>,
}

/// Registers everything that can run in another process.
///
/// # Panics
/// When it is called twice, or with two functions of one name.
pub(crate) fn register(functions: impl IntoIterator<Item = Function>) {
    let mut registry = Registry { names: HashMap::new(), bodies: HashMap::new() };
    for function in functions {
        if let Body::Typed(id, _) = &function.body {
            registry.names.insert(*id, function.name);
        }
        let earlier = registry.bodies.insert(function.name, function.body);
        assert!(earlier.is_none(), "two functions named {} were given to fanlane_mp::init", function.name);
    }
    assert!(REGISTRY.set(registry).is_ok(), "fanlane_mp::init was called twice");
}

/// The service of that name.
pub(crate) fn service_named(name: &str) -> Option<fn(UnixStream) -> i32> {
    match REGISTRY.get()?.bodies.get(name)? {
        Body::Service(serve) => Some(*serve),
        Body::Typed(..) | Body::Remote(_) => None,
    }
}

/// The role of that name that is started on another machine.
pub(crate) fn remote_named(name: &str) -> Option<fn(&[OsString]) -> i32> {
    match REGISTRY.get()?.bodies.get(name)? {
        Body::Remote(serve) => Some(*serve),
        Body::Typed(..) | Body::Service(_) => None,
    }
}

/// The name under which a function is known.
///
/// # Errors
/// [`SpawnError::NotInitialised`], [`SpawnError::NotRegistered`].
pub(crate) fn name_of<F: 'static>() -> Result<&'static str, SpawnError> {
    let registry = REGISTRY.get().ok_or(SpawnError::NotInitialised)?;
    let name = registry.names.get(&TypeId::of::<F>()).copied();
    name.ok_or_else(|| SpawnError::NotRegistered(std::any::type_name::<F>().to_owned()))
}

/// The function of that name.
pub(crate) fn function_named(name: &str) -> Option<&'static dyn Run> {
    match REGISTRY.get()?.bodies.get(name)? {
        Body::Typed(_, run) => Some(&**run),
        Body::Service(_) | Body::Remote(_) => None,
    }
}

/// Whether [`init`](crate::init) was called, without which no process can be started.
pub(crate) fn is_initialised() -> bool {
    REGISTRY.get().is_some()
}

/// Sets the executable that later processes are started from, in place of this program's own. It has to call
/// [`init`](crate::init) with the same functions. A program that embeds this library in another host needs it.
///
/// ```no_run
/// fanlane_mp::set_executable("/usr/libexec/my-program/worker");
/// ```
pub fn set_executable(path: impl Into<PathBuf>) {
    *EXECUTABLE.write().unwrap_or_else(PoisonError::into_inner) = Some(path.into());
}

/// The executable that processes are started from.
pub(crate) fn executable() -> PathBuf {
    let chosen = EXECUTABLE.read().unwrap_or_else(PoisonError::into_inner).clone();
    chosen.unwrap_or_else(|| PathBuf::from(OWN_EXECUTABLE))
}
