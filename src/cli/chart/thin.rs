//! Points that nobody could see are left out: of each column of pixels the first, lowest, highest and last stay.

/// The points of `points` that a drawing `columns` wide needs, in their order.
///
/// - `points`: places and values, the places ascending
///
/// The line through them is, pixel by pixel, the one through all (Jugel and others, 2014: "M4").
pub(super) fn thinned(points: &[(f64, f64)], columns: usize) -> Vec<(f64, f64)> {
    let (Some(first), Some(last)) = (points.first(), points.last()) else { return Vec::new() };
    if points.len() <= columns * 4 || first.0 >= last.0 {
        return points.to_vec();
    }
    let column = |at: f64| ((at - first.0) / (last.0 - first.0) * columns as f64) as usize;
    let mut kept = Vec::with_capacity(columns * 4);
    for group in points.chunk_by(|a, b| column(a.0) == column(b.0)) {
        let place = |best: fn(f64, f64) -> bool| {
            (1..group.len()).fold(0, |found, at| if best(group[at].1, group[found].1) { at } else { found })
        };
        let mut places = [0, place(|a, b| a < b), place(|a, b| a > b), group.len() - 1];
        places.sort_unstable();
        kept.extend(places.chunk_by(|a, b| a == b).map(|same| group[same[0]]));
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_extremes_of_each_column_stay_and_little_else() {
        let points: Vec<(f64, f64)> = (0..10_000)
            .map(|at| (f64::from(at), if at == 5_000 { 99.0 } else { f64::from(at % 7) }))
            .collect();
        let kept = thinned(&points, 10);
        assert!(kept.len() <= 44, "{}", kept.len());
        assert!(kept.contains(&(5_000.0, 99.0)));
        assert_eq!((kept.first(), kept.last()), (points.first(), points.last()));
        assert!(kept.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }

    #[test]
    fn few_points_all_stay() {
        let points = [(0.0, 1.0), (1.0, 2.0), (2.0, 0.0)];
        assert_eq!(thinned(&points, 10), points);
        assert_eq!(thinned(&[], 10), []);
    }
}
