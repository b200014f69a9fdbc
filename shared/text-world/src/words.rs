//! The words of a line. Quotes keep several words together: `mode="alert until 2026-12-31"`.

use portkeeper_core::ids::ContainerPort;
use portkeeper_core::observation::LoadBalancer;
use std::collections::VecDeque;

pub struct Words {
    line: String,
    rest: VecDeque<String>,
}

impl Words {
    pub fn of(line: &str) -> Self {
        let mut rest = VecDeque::new();
        let (mut word, mut quoted, mut begun) = (String::new(), false, false);
        for letter in line.chars() {
            match letter {
                '"' => (quoted, begun) = (!quoted, true),
                ' ' if !quoted => {
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
        if begun {
            rest.push_back(word);
        }
        Self { line: line.to_owned(), rest }
    }

    pub fn next(&mut self) -> Option<String> {
        self.rest.pop_front()
    }

    pub fn expect(&mut self, what: &str) -> String {
        self.next().unwrap_or_else(|| panic!("`{}`: {what} is missing", self.line))
    }

    pub fn take_if(&mut self, word: &str) -> bool {
        let here = self.rest.front().is_some_and(|next| next == word);
        if here {
            self.rest.pop_front();
        }
        here
    }

    /// `5m`, `90s`, `2h`, or `now`, in seconds; a following `ago` is part of it.
    pub fn span(&mut self) -> u32 {
        let text = self.expect("a span of time");
        self.take_if("ago");
        if text == "now" {
            return 0;
        }
        let (number, unit) = text.split_at(text.len() - 1);
        let number: u32 =
            number.parse().unwrap_or_else(|_| panic!("`{}`: `{text}` is not a span", self.line));
        match unit {
            "s" => number,
            "m" => number * 60,
            "h" => number * 3600,
            _ => panic!("`{}`: `{text}` is not a span", self.line),
        }
    }

    /// `web|web-alt to app:8080 and admin to app:9090`, after the word `binds`.
    pub fn entries(
        &mut self,
        group: impl Fn(&str) -> portkeeper_core::ids::TargetGroupArn,
    ) -> Vec<LoadBalancer> {
        let mut entries = Vec::new();
        if self.take_if("nothing") {
            return entries;
        }
        loop {
            let groups = self.expect("a target group");
            assert_eq!(self.expect("`to`"), "to", "{}", self.line);
            let place = self.expect("container:port");
            let (container, number) = place.split_once(':').unwrap();
            let (first, alternate) =
                groups.split_once('|').map_or((groups.as_str(), None), |(a, b)| (a, Some(b)));
            let classic = first.strip_prefix("classic-elb-").map(str::to_owned);
            entries.push(LoadBalancer {
                target_group: classic.is_none().then(|| group(first)),
                alternate_target_group: alternate.map(&group),
                classic,
                container: container.to_owned(),
                port: port(number),
            });
            if !self.take_if("and") {
                return entries;
            }
        }
    }

    pub fn unknown(&self, word: &str) -> ! {
        panic!("`{}`: `{word}` is not understood", self.line)
    }

    pub fn end(&mut self) {
        if let Some(word) = self.next() {
            self.unknown(&word);
        }
    }
}

pub fn port(text: &str) -> ContainerPort {
    ContainerPort::try_from(text.parse::<i64>().unwrap()).unwrap()
}
