//! A sum that does not depend on the order of its terms.

/// A running sum in twice the precision of a double (106 bits).
///
/// Terms of like size add up without any error at all, so the rounded sum is the same for every order and every
/// split; only terms that differ by more than a factor of about 2^50 can show their order, in the last bit.
/// Knuth's TwoSum with renormalisation (Dekker 1971).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ExactSum {
    high: f64,
    low: f64,
}

impl ExactSum {
    /// Adds a finite term.
    #[inline]
    pub fn add(&mut self, term: f64) {
        let (high, error) = two_sum(self.high, term);
        let low = self.low + error;
        (self.high, self.low) = two_sum(high, low);
    }

    /// Adds the square of a finite term.
    pub fn add_square(&mut self, term: f64) {
        let (product, error) = two_product(term, term);
        self.add(product);
        self.add(error);
    }

    /// The sum, rounded once; not finite when it went out of range.
    #[inline]
    pub fn value(self) -> f64 {
        self.high + self.low
    }

    /// `Σ(x − mean)²` of `count` terms whose sum is `sum` and whose squares sum up to `self`; never negative, not finite when it
    /// went out of range.
    pub fn deviation(self, sum: ExactSum, count: u64) -> f64 {
        let n = count as f64;
        // sum² / n with all bits that matter: the quotient's remainder is carried in `low`.
        let (square, error) = two_product(sum.high, sum.high);
        let low = error + 2.0 * sum.high * sum.low;
        let quotient = square / n;
        let (back, back_error) = two_product(quotient, n);
        let remainder = ((square - back) - back_error + low) / n;
        let mut difference = self;
        difference.add(-quotient);
        difference.add(-remainder);
        let value = difference.value();
        // Not `max` alone: it would make zero of what is no number.
        if value < 0.0 { 0.0 } else { value }
    }
}

/// `a + b` and the error of that.
#[inline]
fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let of_b = sum - a;
    (sum, (a - (sum - of_b)) + (b - of_b))
}

/// `a × b` and the error of that (Dekker's split: no fused multiply-add is asked of the processor).
fn two_product(a: f64, b: f64) -> (f64, f64) {
    let split = |x: f64| {
        let shifted = 134_217_729.0 * x;
        let high = shifted - (shifted - x);
        (high, x - high)
    };
    let product = a * b;
    let ((a_high, a_low), (b_high, b_low)) = (split(a), split(b));
    let error = ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low;
    (product, if error.is_finite() { error } else { 0.0 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sum(terms: &[f64]) -> ExactSum {
        let mut sum = ExactSum::default();
        terms.iter().for_each(|term| sum.add(*term));
        sum
    }

    #[test]
    fn cancelled_terms_leave_nothing_behind() {
        assert_eq!(sum(&[1e16, 1.0, -1e16]).value(), 1.0);
        assert_eq!(sum(&[0.1; 10]).value(), 1.0);
    }

    proptest! {
        #[test]
        fn every_order_gives_the_same_bits(mut terms in proptest::collection::vec(-1e9f64..1e9, 0..200)) {
            let forward = sum(&terms).value();
            terms.sort_by(f64::total_cmp);
            prop_assert_eq!(sum(&terms).value().to_bits(), forward.to_bits());
        }

        #[test]
        fn the_deviation_is_that_of_two_passes(terms in proptest::collection::vec(1e6f64..1.001e6, 2..100)) {
            let total = sum(&terms);
            let mut squares = ExactSum::default();
            terms.iter().for_each(|term| squares.add_square(*term));
            let mean = total.value() / terms.len() as f64;
            let two_pass: f64 = terms.iter().map(|x| (x - mean) * (x - mean)).sum();
            let ours = squares.deviation(total, terms.len() as u64);
            prop_assert!((ours - two_pass).abs() <= 1e-9 * two_pass.max(1e-9), "{} {}", ours, two_pass);
        }
    }
}
