//! Percentiles, exactly, by selection.

/// The `percent`-th percentile of `values`, linear between neighbours; none of an empty slice.
///
/// - `values`: no NaN, any order; reordered
/// - `percent`: 0.0 ..= 100.0
///
/// Hyndman & Fan (1996), definition 7: position (n−1)·q between the sorted values. What Gnocchi 4.7.1's `95pct` and
/// `median` compute through numpy, its way of rounding included. O(n), no allocation.
pub fn percentile(values: &mut [f64], percent: f64) -> Option<f64> {
    if values.is_empty() {
        return None;
    }
    let position = (values.len() - 1) as f64 * (percent / 100.0);
    let below = (position.floor() as usize).min(values.len() - 1);
    let (_, &mut low, above) = values.select_nth_unstable_by(below, f64::total_cmp);
    let high = above.iter().copied().min_by(f64::total_cmp).unwrap_or(low);
    let part = position - below as f64;
    // numpy's lerp: from the nearer end, so that both ends are hit exactly.
    let step = high - low;
    Some(if part < 0.5 { low + step * part } else { high - step * (1.0 - part) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_numpys() {
        // numpy 2.4.6: numpy.percentile(values, q) printed with repr.
        assert_eq!(percentile(&mut [10.0, 1.0, 4.0, 2.0], 95.0), Some(9.099999999999998));
        assert_eq!(percentile(&mut [3.0, 1.0], 50.0), Some(2.0));
        assert_eq!(percentile(&mut [5.0], 99.0), Some(5.0));
        assert_eq!(percentile(&mut [1.0, 2.0, 3.0, 4.0, 5.0], 25.0), Some(2.0));
        assert_eq!(percentile(&mut [0.1, 0.7, 0.4], 90.0), Some(0.64));
        assert_eq!(percentile(&mut [], 50.0), None);
    }
}
