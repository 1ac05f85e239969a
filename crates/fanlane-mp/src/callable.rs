//! What can be called with a tuple of arguments: functions and closures of up to six.

/// What can be called with `Args`, a tuple of up to six values: every function and closure that takes those. It is for
/// bounds of generic functions, and needs no implementation.
///
/// ```
/// use fanlane_mp::{Callable, Error, ThreadPool};
///
/// /// Calls it in this thread, or in one of a pool.
/// fn call<F: Callable<(u32, u32), Output = u32>>(function: F, pool: Option<&ThreadPool>) -> Result<u32, Error> {
///     match pool {
///         None => Ok(function.call_with((2, 5))),
///         Some(pool) => Ok(pool.apply(function, (2, 5))?),
///     }
/// }
///
/// let pool = ThreadPool::new(1)?;
/// assert_eq!((call(u32::pow, None)?, call(u32::pow, Some(&pool))?), (32, 32));
/// # Ok::<(), Error>(())
/// ```
pub trait Callable<Args>: Send + Sync + 'static {
    /// What it returns.
    type Output;

    /// Calls it.
    fn call_with(&self, args: Args) -> Self::Output;
}

macro_rules! callable {
    ($($name:ident)*) => {
        impl<Function, Returned, $($name,)*> Callable<($($name,)*)> for Function
        where
            Function: Fn($($name),*) -> Returned + Send + Sync + 'static,
        {
            type Output = Returned;

            #[expect(clippy::allow_attributes, reason = "only some of these expansions have anything to allow")]
            #[allow(non_snake_case, clippy::unused_unit, reason = "the arguments are named as their types are")]
            fn call_with(&self, ($($name,)*): ($($name,)*)) -> Returned {
                self($($name),*)
            }
        }
    };
}

callable!();
callable!(A);
callable!(A B);
callable!(A B C);
callable!(A B C D);
callable!(A B C D E);
callable!(A B C D E F);
