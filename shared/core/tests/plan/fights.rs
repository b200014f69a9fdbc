//! Two writers that undo each other.

use crate::text_world::check;
use expect_test::expect;

/// Holds I-GUARDS, C-26.
#[test]
fn a_target_deregistered_three_times_in_ten_minutes_is_a_fight_for_that_target_only() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 RUNNING/RUNNING on i-2 app:8080->32768
        target web i-2:32768 healthy
        look
        look after 60s
        target web i-1:32768 gone
        look after 60s
        target web i-1:32768 gone
        look after 60s
        target web i-1:32768 gone
        look after 60s
        target web i-2:32768 gone
        look after 60s
        look after 90s
        ",
        &expect![[r#"
            0s:
              asks: state of i-1; group web
              web i-1:32768 | missing | await 60s | task t1 has been running for 10 min and its target is not registered: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: state of i-1; group web
              web i-1:32768 | missing | register | task t1 has been running for 11 min and its target is not registered: confirmed by a second check
              plan: register web [i-1:32768]
              alert: missing (error): web i-1:32768
              looks again in 60s
            120s:
              asks: state of i-1; group web
              web i-1:32768 | missing | register | task t1 has been running for 12 min and its target is not registered: confirmed by a second check
              plan: register web [i-1:32768]
              looks again in 60s
            180s:
              asks: state of i-1; group web
              web i-1:32768 | missing | register | task t1 has been running for 13 min and its target is not registered: confirmed by a second check
              plan: register web [i-1:32768]
              looks again in 60s
            240s:
              asks: state of i-1; group web
              web i-1:32768 | missing | withheld | task t1 has been running for 14 min and its target is not registered: another writer undoes the repairs of this target, so Portkeeper stops repairing it
              web i-1:32768 | fight | alert | 3 repairs of this target within 600 s did not last: another writer undoes them. Last finding: task t1 has been running for 14 min and its target is not registered
              alert: fight (error): web i-1:32768
              looks again in 60s
            300s:
              asks: state of i-1, i-2; group web
              web i-1:32768 | missing | withheld | task t1 has been running for 15 min and its target is not registered: another writer undoes the repairs of this target, so Portkeeper stops repairing it
              web i-1:32768 | fight | alert | 3 repairs of this target within 600 s did not last: another writer undoes them. Last finding: task t1 has been running for 15 min and its target is not registered
              web i-2:32768 | missing | await 90s | task t2 has been running for 15 min and its target is not registered: found once; waiting for a second check
              looks again in 60s
            390s:
              asks: state of i-1, i-2; group web
              web i-1:32768 | missing | withheld | task t1 has been running for 16 min 30 s and its target is not registered: another writer undoes the repairs of this target, so Portkeeper stops repairing it
              web i-1:32768 | fight | alert | 3 repairs of this target within 600 s did not last: another writer undoes them. Last finding: task t1 has been running for 16 min 30 s and its target is not registered
              web i-2:32768 | missing | register | task t2 has been running for 16 min 30 s and its target is not registered: confirmed by a second check
              plan: register web [i-2:32768]
              alert: missing (critical): web i-2:32768
              alert: escalated missing (critical): web i-1:32768 (held back)
              looks again in 60s
            open: missing web i-1:32768, seen 7, 3 repairs, reported
            open: missing web i-2:32768, seen 2, 1 repairs, reported
            open: fight web i-1:32768, seen 3, reported
        "#]],
    );
}

/// Holds I-GUARDS, C-26.
#[test]
fn a_fight_does_not_resume_when_the_window_has_passed() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        look
        look after 60s
        target web i-1:32768 gone
        look after 60s
        target web i-1:32768 gone
        look after 60s
        target web i-1:32768 gone
        look after 60s
        look after 500s
        look after 500s
        target web i-1:32768 healthy
        look after 60s
        look after 700s
        ",
        &expect![[r#"
            0s:
              asks: state of i-1; group web
              web i-1:32768 | missing | await 60s | task t1 has been running for 10 min and its target is not registered: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: state of i-1; group web
              web i-1:32768 | missing | register | task t1 has been running for 11 min and its target is not registered: confirmed by a second check
              plan: register web [i-1:32768]
              alert: missing (critical): web i-1:32768
              looks again in 60s
            120s:
              asks: state of i-1; group web
              web i-1:32768 | missing | register | task t1 has been running for 12 min and its target is not registered: confirmed by a second check
              plan: register web [i-1:32768]
              looks again in 60s
            180s:
              asks: state of i-1; group web
              web i-1:32768 | missing | register | task t1 has been running for 13 min and its target is not registered: confirmed by a second check
              plan: register web [i-1:32768]
              looks again in 60s
            240s:
              asks: state of i-1; group web
              web i-1:32768 | missing | withheld | task t1 has been running for 14 min and its target is not registered: another writer undoes the repairs of this target, so Portkeeper stops repairing it
              web i-1:32768 | fight | alert | 3 repairs of this target within 600 s did not last: another writer undoes them. Last finding: task t1 has been running for 14 min and its target is not registered
              alert: fight (error): web i-1:32768
              looks again in 60s
            740s:
              asks: state of i-1; group web
              web i-1:32768 | missing | withheld | task t1 has been running for 22 min 20 s and its target is not registered: another writer undoes the repairs of this target, so Portkeeper stops repairing it
              web i-1:32768 | fight | alert | 3 repairs of this target within 600 s did not last: another writer undoes them. Last finding: task t1 has been running for 22 min 20 s and its target is not registered
              looks again in 60s
            1240s:
              asks: state of i-1; group web
              web i-1:32768 | missing | withheld | task t1 has been running for 30 min 40 s and its target is not registered: another writer undoes the repairs of this target, so Portkeeper stops repairing it
              web i-1:32768 | fight | alert | 3 repairs of this target within 600 s did not last: another writer undoes them. Last finding: task t1 has been running for 30 min 40 s and its target is not registered
            1300s:
              alert: resolved missing (critical): web i-1:32768 (registered and healthy, after 21 min 40 s)
            2000s:
              alert: resolved fight (error): web i-1:32768 (the repairs are no longer undone, after 29 min 20 s)
        "#]],
    );
}

/// Holds C-26, C-30.
#[test]
fn calls_that_fail_are_not_a_fight() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        look
        look after 60s fails \"throttled\"
        look after 60s fails \"throttled\"
        look after 60s fails \"throttled\"
        look after 60s
        target web i-1:32768 healthy
        look after 60s
        ",
        &expect![[r#"
            0s:
              asks: state of i-1; group web
              web i-1:32768 | missing | await 60s | task t1 has been running for 10 min and its target is not registered: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: state of i-1; group web
              web i-1:32768 | missing | register | task t1 has been running for 11 min and its target is not registered: confirmed by a second check
              plan: register web [i-1:32768]
              alert: missing (critical): web i-1:32768
              looks again in 60s
            120s:
              asks: state of i-1; group web
              web i-1:32768 | missing | register | task t1 has been running for 12 min and its target is not registered: confirmed by a second check
              plan: register web [i-1:32768]
              looks again in 60s
            180s:
              asks: state of i-1; group web
              web i-1:32768 | missing | register | task t1 has been running for 13 min and its target is not registered: confirmed by a second check
              plan: register web [i-1:32768]
              looks again in 60s
            240s:
              asks: state of i-1; group web
              web i-1:32768 | missing | register | task t1 has been running for 14 min and its target is not registered: confirmed by a second check
              plan: register web [i-1:32768]
              looks again in 60s
            300s:
              alert: resolved missing (critical): web i-1:32768 (registered and healthy, after 5 min)
        "#]],
    );
}

/// The function ends three times between storing its intent and the write: nothing shows that a
/// repair was undone.
#[test]
fn a_repair_without_a_known_outcome_is_no_round_of_a_fight() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 RUNNING/RUNNING on i-2 app:8080->32768
        target web i-2:32768 healthy
        look
        look after 60s dies
        target web i-1:32768 gone
        look after 60s dies
        target web i-1:32768 gone
        look after 60s dies
        target web i-1:32768 gone
        look after 60s
        look after 60s
        ",
        &expect![[r#"
            0s:
              asks: state of i-1; group web
              web i-1:32768 | missing | await 60s | task t1 has been running for 10 min and its target is not registered: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: state of i-1; group web
              web i-1:32768 | missing | register | task t1 has been running for 11 min and its target is not registered: confirmed by a second check
              plan: register web [i-1:32768]
              alert: missing (error): web i-1:32768
              looks again in 60s
            120s:
              asks: state of i-1; group web
              web i-1:32768 | missing | register | task t1 has been running for 12 min and its target is not registered: confirmed by a second check
              plan: register web [i-1:32768]
              alert: missing (error): web i-1:32768
              looks again in 60s
            180s:
              asks: state of i-1; group web
              web i-1:32768 | missing | register | task t1 has been running for 13 min and its target is not registered: confirmed by a second check
              plan: register web [i-1:32768]
              alert: missing (error): web i-1:32768
              looks again in 60s
            240s:
              asks: state of i-1; group web
              web i-1:32768 | missing | register | task t1 has been running for 14 min and its target is not registered: confirmed by a second check
              plan: register web [i-1:32768]
              alert: missing (error): web i-1:32768
              looks again in 60s
            300s:
              asks: group web
              web i-1:32768 | unhealthy | await 120s | registered, but initial (no reason given); the group's settings explain at most 2 min of that: found once; waiting for a second check
              looks again in 60s
            open: missing web i-1:32768, seen 5, 4 repairs, reported
            open: unhealthy web i-1:32768, seen 1
        "#]],
    );
}

/// The same with five of them: the repair limit ends it.
#[test]
fn repairs_without_a_known_outcome_count_towards_the_limit() {
    let round = "look after 60s dies\n        target web i-1:32768 gone\n        ";
    check(
        &format!(
            "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 RUNNING/RUNNING on i-2 app:8080->32768
        target web i-2:32768 healthy
        look
        {}
        look after 60s
        ",
            round.repeat(5)
        ),
        &expect![[r#"
            0s:
              asks: state of i-1; group web
              web i-1:32768 | missing | await 60s | task t1 has been running for 10 min and its target is not registered: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: state of i-1; group web
              web i-1:32768 | missing | register | task t1 has been running for 11 min and its target is not registered: confirmed by a second check
              plan: register web [i-1:32768]
              alert: missing (error): web i-1:32768
              looks again in 60s
            120s:
              asks: state of i-1; group web
              web i-1:32768 | missing | register | task t1 has been running for 12 min and its target is not registered: confirmed by a second check
              plan: register web [i-1:32768]
              alert: missing (error): web i-1:32768
              looks again in 60s
            180s:
              asks: state of i-1; group web
              web i-1:32768 | missing | register | task t1 has been running for 13 min and its target is not registered: confirmed by a second check
              plan: register web [i-1:32768]
              alert: missing (error): web i-1:32768
              looks again in 60s
            240s:
              asks: state of i-1; group web
              web i-1:32768 | missing | register | task t1 has been running for 14 min and its target is not registered: confirmed by a second check
              plan: register web [i-1:32768]
              alert: missing (error): web i-1:32768
              looks again in 60s
            300s:
              asks: state of i-1; group web
              web i-1:32768 | missing | register | task t1 has been running for 15 min and its target is not registered: confirmed by a second check
              plan: register web [i-1:32768]
              alert: missing (error): web i-1:32768
              looks again in 60s
            360s:
              asks: state of i-1; group web
              web i-1:32768 | missing | withheld | task t1 has been running for 16 min and its target is not registered: the repair limit for one target is reached
              web i-1:32768 | limit_exceeded | alert | 5 repairs did not fix it. Last finding: task t1 has been running for 16 min and its target is not registered
              alert: missing (error): web i-1:32768 (held back)
              alert: limit_exceeded (error): web i-1:32768
              looks again in 60s
            open: missing web i-1:32768, seen 7, 5 repairs, reported
            open: limit_exceeded web i-1:32768, seen 1, reported
        "#]],
    );
}
