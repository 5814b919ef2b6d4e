//! What n samples of one instance say about k of them: all passing (pass^k, which is this project's @k) or any (pass@k).

/// The unbiased estimate of the probability that k samples all pass, from `c` passing of `n`: C(c,k) / C(n,k).
///
/// At k = n it is 1 or 0, at k = 1 the share c/n. `None` when `k` is 0 or above `n`, or `c` is above `n`.
#[must_use]
pub fn pass_hat(c: u32, n: u32, k: u32) -> Option<f64> {
    if k == 0 || k > n || c > n {
        return None;
    }
    Some(all_of(c, n, k))
}

/// The unbiased estimate of the probability that at least one of k samples passes: 1 − C(n−c,k) / C(n,k) (Chen et al.
/// 2021). `None` as for [`pass_hat`].
#[must_use]
pub fn pass_at(c: u32, n: u32, k: u32) -> Option<f64> {
    if k == 0 || k > n || c > n {
        return None;
    }
    Some(1.0 - all_of(n - c, n, k))
}

/// C(c,k) / C(n,k) as a product of quotients, over the k drawn or over the n − c others, whichever are fewer.
fn all_of(c: u32, n: u32, k: u32) -> f64 {
    if c < k {
        return 0.0;
    }
    let (factors, top) = if k <= n - c { (k, c) } else { (n - c, n - k) };
    (0..factors).map(|i| f64::from(top - i) / f64::from(n - i)).product()
}
