//! One check: the model runs all orders of steps, so longer spinning finds nothing more.

pub fn until(condition: impl Fn() -> bool) -> bool {
    condition()
}
