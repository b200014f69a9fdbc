//! Masks account ids in a text. The same id gets the same mask everywhere, so that ARNs still
//! match.

use std::collections::BTreeMap;

/// Digits of an account id.
const DIGITS: usize = 12;

/// Every account id in a text with its mask: 000000000001 for the first, and so on.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Masks(BTreeMap<String, String>);

impl Masks {
    /// Finds the account ids in a text: runs of 12 digits without an adjacent letter, as in ARNs and
    /// URLs. A run next to a letter is part of a hexadecimal identifier.
    pub(super) fn of(text: &str) -> Self {
        let mut masks = Self::default();
        for (start, run) in runs(text) {
            if !touches_a_letter(text, start, run) && !masks.0.contains_key(run) {
                let number = masks.0.len() + 1;
                masks.0.insert(run.to_owned(), format!("{number:0DIGITS$}"));
            }
        }
        masks
    }

    /// Masks these ids in a text, even inside a name.
    pub(super) fn hide(&self, text: &str) -> String {
        let mut hidden = String::with_capacity(text.len());
        let mut rest = 0;
        for (start, run) in runs(text) {
            if let Some(mask) = self.0.get(run) {
                hidden.push_str(text.get(rest..start).unwrap_or_default());
                hidden.push_str(mask);
                rest = start + run.len();
            }
        }
        hidden.push_str(text.get(rest..).unwrap_or_default());
        hidden
    }
}

/// Returns the runs of exactly 12 digits and where they start.
fn runs(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let not_digits = |letter: char| !letter.is_ascii_digit();
    let mut start = 0;
    text.split_inclusive(not_digits).filter_map(move |piece| {
        let begins = start;
        start += piece.len();
        let run = piece.trim_end_matches(not_digits);
        (run.len() == DIGITS).then_some((begins, run))
    })
}

fn touches_a_letter(text: &str, start: usize, run: &str) -> bool {
    let before = text.get(..start).and_then(|text| text.chars().next_back());
    let after = text.get(start + run.len()..).and_then(|text| text.chars().next());
    [before, after].into_iter().flatten().any(char::is_alphabetic)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_account_id_has_the_same_mask_everywhere() {
        let text = "arn:aws:ecs:eu-west-1:111122223333:cluster/shop https://sqs.eu-west-1.amazonaws.com/444455556666/checks \
                    arn:aws:ecs:eu-west-1:111122223333:task/shop/0a444455556666f logs-111122223333-x";
        let hidden = Masks::of(text).hide(text);
        assert_eq!(
            hidden,
            "arn:aws:ecs:eu-west-1:000000000001:cluster/shop https://sqs.eu-west-1.amazonaws.com/000000000002/checks \
             arn:aws:ecs:eu-west-1:000000000001:task/shop/0a000000000002f logs-000000000001-x"
        );
    }

    #[test]
    fn other_digits_are_not_masked() {
        for text in [
            "ecs-svc/1234567890123456789",
            "a123456789012",
            "2026-11-23T00:00:00Z",
            "i-0123456789abcdef0",
            "",
        ] {
            assert_eq!(Masks::of(text).hide(text), text);
        }
    }

    #[test]
    fn masking_a_masked_text_changes_nothing() {
        let text = "arn:aws:ecs:eu-west-1:999999999999:cluster/a 111111111111";
        let once = Masks::of(text).hide(text);
        assert_eq!(Masks::of(&once).hide(&once), once);
    }
}
