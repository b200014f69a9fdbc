//! The words of a line. Quotes keep several words together: `mode="alert until 2026-12-31"`.

use super::error::WordError;
use portkeeper_core::ids::ContainerPort;
use std::collections::VecDeque;
use std::fmt::Display;
use std::str::FromStr;

const SPAN: &str = "a span of time such as `90s`, `5m` or `2h`, or `now`";
const NUMBER: &str = "a whole number";

#[derive(Debug)]
pub struct Words {
    rest: VecDeque<String>,
}

impl Words {
    pub fn of(line: &str) -> Result<Self, WordError> {
        let mut rest = VecDeque::new();
        let (mut word, mut quoted, mut begun) = (String::new(), false, false);
        for letter in line.chars() {
            match letter {
                '"' => (quoted, begun) = (!quoted, true),
                letter if letter.is_whitespace() && !quoted => {
                    if begun {
                        rest.push_back(std::mem::take(&mut word));
                    }
                    begun = false;
                }
                letter => {
                    word.push(letter);
                    begun = true;
                }
            }
        }
        if quoted {
            return Err(WordError::OpenQuote);
        }
        if begun {
            rest.push_back(word);
        }
        Ok(Self { rest })
    }

    pub fn next(&mut self) -> Option<String> {
        self.rest.pop_front()
    }

    /// The next word. `expected` describes it for the error that there is none.
    pub fn require(&mut self, expected: &'static str) -> Result<String, WordError> {
        self.next().ok_or(WordError::Missing { expected })
    }

    pub fn take_if(&mut self, word: &str) -> bool {
        let here = self.rest.front().is_some_and(|next| next == word);
        if here {
            self.rest.pop_front();
        }
        here
    }

    /// `5m`, `90s`, `2h`, or `now`, in seconds; a following `ago` is part of it.
    pub fn span(&mut self) -> Result<u32, WordError> {
        let text = self.require(SPAN)?;
        self.take_if("ago");
        if text == "now" {
            return Ok(0);
        }
        let units = [('s', 1), ('m', 60), ('h', 3600)];
        let found = units.into_iter().find_map(|(unit, secs)| {
            text.strip_suffix(unit)?.parse::<u32>().ok()?.checked_mul(secs)
        });
        found.ok_or_else(|| WordError::unexpected(&text, SPAN))
    }

    /// The next word as a number.
    pub fn number<T: FromStr>(&mut self) -> Result<T, WordError> {
        number(&self.require(NUMBER)?)
    }

    /// Nothing follows. `expected` is what could have, for the error about what does.
    pub fn end(&mut self, expected: &'static str) -> Result<(), WordError> {
        self.next().map_or(Ok(()), |word| Err(WordError::unexpected(&word, expected)))
    }
}

/// A number within a word, as in `desired=2`.
pub fn number<T: FromStr>(text: &str) -> Result<T, WordError> {
    text.parse().map_err(|_| WordError::unexpected(text, NUMBER))
}

/// A value of AWS that this version knows. Any other is more likely a typing error, unless a `?` says
/// that it is meant: `?SIDEWAYS`.
pub fn known<T>(text: &str, all: &[T]) -> Result<T, WordError>
where
    T: Display + for<'a> From<&'a str>,
{
    let names: Vec<String> = all.iter().map(T::to_string).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    one_of(text, &names).map(T::from)
}

/// The same, for values that the core has as text.
pub fn one_of<'a>(text: &'a str, names: &[&str]) -> Result<&'a str, WordError> {
    match text.strip_prefix('?') {
        Some(unknown) if !unknown.is_empty() => Ok(unknown),
        None if names.contains(&text) => Ok(text),
        _ => {
            let names = names.join("`, `");
            Err(WordError::unexpected(text, format!("one of `{names}`, or `?` and another value")))
        }
    }
}

pub fn port(text: &str) -> Result<ContainerPort, WordError> {
    Ok(ContainerPort::try_from(number::<i64>(text)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_numbers_with_a_unit() {
        let span = |text: &str| Words::of(text).unwrap().span();
        assert_eq!(span("90s ago"), Ok(90));
        assert_eq!(span("2h"), Ok(7200));
        assert_eq!(span("now"), Ok(0));
        for text in ["90", "m", "5d", "-1s", "1.5h", "4294967295h", "5µ", "soon"] {
            assert_eq!(span(text), Err(WordError::unexpected(text, SPAN)), "{text}");
        }
        assert_eq!(span("\"\""), Err(WordError::unexpected("", SPAN)));
        assert_eq!(span(""), Err(WordError::Missing { expected: SPAN }));
    }

    #[test]
    fn quotes_keep_words_together_and_must_be_closed() {
        let mut words = Words::of("refused\t\"not now\" mode=\"a b\"").unwrap();
        let all: Vec<String> = std::iter::from_fn(|| words.next()).collect();
        assert_eq!(all, ["refused", "not now", "mode=a b"]);
        assert_eq!(Words::of("refused \"not now").unwrap_err(), WordError::OpenQuote);
    }
}
