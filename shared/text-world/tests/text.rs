//! What is not a text world, and what `docs/text-worlds.md` says that it is. The results of checks
//! are in the core's tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use expect_test::expect;
use portkeeper_text_world::{World, run, run_in};
use std::error::Error as _;
use std::fs;
use std::path::Path;

const SERVICE: &str = "group web\nservice shop/web binds web to app:8080\n";

/// The errors of worlds that consist of one line each.
fn errors<'a>(lines: impl IntoIterator<Item = &'a str>) -> String {
    let error = |line| match run(line) {
        Ok(out) => panic!("{line}: {out}"),
        Err(error) => format!("{error}\n  {}\n", error.source().unwrap()),
    };
    lines.into_iter().map(error).collect()
}

#[test]
fn an_error_names_the_line_the_word_and_what_is_expected() {
    let world = format!("{SERVICE}\n  task t1 RUNNING/RUNNING on i-1 forr 5m\nlook");
    expect![[r#"
        cannot understand line 4: `task t1 RUNNING/RUNNING on i-1 forr 5m`
          found `forr`; expected a status such as `RUNNING/STOPPED`, a binding such as `app:8080->32768`, a version such as `v3`, `on`, `ip`, `ip6`, `subnet`, `for`, `ended`, `by`, `started-by`, `of`, `group`, `exited`, `killed`, `stop-code`, `reason`, `never-ran`, `deregistered`, `disconnected`, `connected`, `anywhere`, `unlisted` or `unread`
    "#]]
    .assert_eq(&errors([world.as_str()]));
}

#[test]
fn an_unknown_fact_a_wrong_check_and_a_wrong_limit_are_errors() {
    let lines = [
        "tsk t1 RUNNING/RUNNING",
        "look afta 5s",
        "look after",
        "look after 5 s",
        "look hop=-1",
        "look refused",
        "audit now",
        "ready web",
        "policy settle",
        "policy settle=soon",
        "policy mode=on",
        "policy az-all=yes",
    ];
    expect![[r#"
        cannot understand line 1: `tsk t1 RUNNING/RUNNING`
          found `tsk`; expected `policy`, `group`, `service`, `deployment`, `says`, `revision`, `taskset`, `definition`, `task`, `owner`, `instance`, `target`, `known`, `ledger`, `event`, `call`, `counts`, `gap`, `look`, `audit` or `ready`
        cannot understand line 1: `look afta 5s`
          found `afta`; expected `after SPAN`, `unsent`, `dies`, `refused REASON`, `fails REASON`, `late REASON`, `hop=NUMBER` or the end of the line
        cannot understand line 1: `look after`
          the line ends too early; expected a span of time such as `90s`, `5m` or `2h`, or `now`
        cannot understand line 1: `look after 5 s`
          found `5`; expected a span of time such as `90s`, `5m` or `2h`, or `now`
        cannot understand line 1: `look hop=-1`
          found `-1`; expected a whole number
        cannot understand line 1: `look refused`
          the line ends too early; expected a reason
        cannot understand line 1: `audit now`
          found `now`; expected the end of the line
        cannot understand line 1: `ready web`
          found `web`; expected the end of the line
        cannot understand line 1: `policy settle`
          found `settle`; expected `settle=`, `confirm=`, `mode=`, `max=`, `percent=`, `repairs=`, `hops=`, `below=`, `stops=`, `remind=`, `person=` or `az-all=`
        cannot understand line 1: `policy settle=soon`
          found `soon`; expected a whole number
        cannot understand line 1: `policy mode=on`
          found `on`; expected `repair`, `alert` or `off`
        cannot understand line 1: `policy az-all=yes`
          found `yes`; expected `true` or `false`
    "#]].assert_eq(&errors(lines));
}

#[test]
fn a_wrong_group_or_service_is_an_error() {
    let lines = [
        "group",
        "group web lb",
        "group web port=0",
        "service web",
        "service shop/web bind web to app:8080",
        "service shop/web binds web at app:8080",
        "service shop/web binds web to app",
        "service shop/web binds web to app:99999",
        "service shop/web desired=-1",
        "service /web",
        "deployment 111 PRIMARY web:1",
        "says 5m ago stable",
        "group web type=ips",
        "group web protocol=HTP",
        "group web family=ipv5",
        "service shop/web strategy=SIDEWAYS",
        "service shop/web status=?",
    ];
    expect![[r#"
        cannot understand line 1: `group`
          the line ends too early; expected a target group
        cannot understand line 1: `group web lb`
          found `lb`; expected `type=`, `family=`, `protocol=`, `port=`, `interval=`, `threshold=`, `lb=`, `vpc=`, `check=`, `path=`, `codes=`, `unattached`, `missing` or `unread`
        cannot understand line 1: `group web port=0`
          `0` is not a port from 1 to 65535
        cannot understand line 1: `service web`
          found `web`; expected CLUSTER/SERVICE
        cannot understand line 1: `service shop/web bind web to app:8080`
          found `bind`; expected `binds` (first), `desired=`, `min=`, `controller=`, `strategy=`, `status=`, `mode=`, `owner=`, `grace=`, `express`, `gateway` or `lattice`
        cannot understand line 1: `service shop/web binds web at app:8080`
          found `at`; expected `to`
        cannot understand line 1: `service shop/web binds web to app`
          found `app`; expected CONTAINER:PORT
        cannot understand line 1: `service shop/web binds web to app:99999`
          `99999` is not a port from 1 to 65535
        cannot understand line 1: `service shop/web desired=-1`
          found `-1`; expected a whole number
        cannot understand line 1: `service /web`
          `arn:aws:ecs:eu-west-1:111122223333:cluster/` is not the ARN of an ECS cluster
        cannot understand line 1: `deployment 111 PRIMARY web:1`
          expected a line `service CLUSTER/SERVICE ...` before this one
        cannot understand line 1: `says 5m ago stable`
          expected a line `service CLUSTER/SERVICE ...` before this one
        cannot understand line 1: `group web type=ips`
          found `ips`; expected one of `instance`, `ip`, `lambda`, `alb`, or `?` and another value
        cannot understand line 1: `group web protocol=HTP`
          found `HTP`; expected one of `HTTP`, `HTTPS`, `TCP`, `TLS`, `UDP`, `TCP_UDP`, `GENEVE`, `QUIC`, `TCP_QUIC`, or `?` and another value
        cannot understand line 1: `group web family=ipv5`
          found `ipv5`; expected one of `ipv4`, `ipv6`, or `?` and another value
        cannot understand line 1: `service shop/web strategy=SIDEWAYS`
          found `SIDEWAYS`; expected one of `ROLLING`, `BLUE_GREEN`, `LINEAR`, `CANARY`, or `?` and another value
        cannot understand line 1: `service shop/web status=?`
          found `?`; expected one of `ACTIVE`, `DRAINING`, `INACTIVE`, or `?` and another value
    "#]].assert_eq(&errors(lines));
}

#[test]
fn a_wrong_task_or_instance_is_an_error() {
    let lines = [
        "definition web:1 host app",
        "definition web:1",
        "task t1 RUNNING/RUNNING app->32768",
        "task t1 RUNNING/RUNNING app:8000-8010->32800-32801",
        "task t1 RUNNING/RUNNING ip 10.0.0",
        "task t1 RUNNING/RUNNING exited app",
        "task t1 RUNNING/RUNNING ended 5m ago",
        "task t1 STOPPED/STOPPED on i-1",
        "task t1 in prod-2",
        "owner t9 RUNNING/RUNNING",
        "owner billing/t9 unlisted",
        "instance i-1 disconected",
        "task t1 RUNING/RUNNING",
        "task t1 RUNNING/STOPED",
        "task t1 STOPPED/STOPPED ended 5m stop-code UserInitated",
        "instance i-1 DRAINNG",
        "definition web:1 brigde app:80",
    ];
    expect![[r#"
        cannot understand line 1: `definition web:1 host app`
          found `app`; expected CONTAINER:PORT
        cannot understand line 1: `definition web:1`
          the line ends too early; expected a network mode: `bridge`, `host`, `awsvpc` or `none`
        cannot understand line 1: `task t1 RUNNING/RUNNING app->32768`
          found `app->32768`; expected a binding such as `app:8080->32768`, `app:8080->32768/udp@0.0.0.0` or `app:8000-8010->32800-32810`
        cannot understand line 1: `task t1 RUNNING/RUNNING app:8000-8010->32800-32801`
          found `app:8000-8010->32800-32801`; expected a binding such as `app:8080->32768`, `app:8080->32768/udp@0.0.0.0` or `app:8000-8010->32800-32810`
        cannot understand line 1: `task t1 RUNNING/RUNNING ip 10.0.0`
          found `10.0.0`; expected an IP address
        cannot understand line 1: `task t1 RUNNING/RUNNING exited app`
          found `app`; expected a container of this task
        cannot understand line 1: `task t1 RUNNING/RUNNING ended 5m ago`
          expected no `ended` for a task that is RUNNING: only a STOPPED task has ended
        cannot understand line 1: `task t1 STOPPED/STOPPED on i-1`
          expected `ended SPAN` for a task that is STOPPED: when did it end?
        cannot understand line 1: `task t1 in prod-2`
          found `in`; expected a status such as `RUNNING/STOPPED`, a binding such as `app:8080->32768`, a version such as `v3`, `on`, `ip`, `ip6`, `subnet`, `for`, `ended`, `by`, `started-by`, `of`, `group`, `exited`, `killed`, `stop-code`, `reason`, `never-ran`, `deregistered`, `disconnected`, `connected`, `anywhere`, `unlisted` or `unread`
        cannot understand line 1: `owner t9 RUNNING/RUNNING`
          found `t9`; expected SERVICE/TASK
        cannot understand line 1: `owner billing/t9 unlisted`
          found `unlisted`; expected a status such as `RUNNING/STOPPED`, a binding such as `app:8080->32768`, a version such as `v3`, `on`, `ip`, `ip6`, `subnet`, `for`, `ended`, `by`, `started-by`, `of`, `group`, `exited`, `killed`, `stop-code`, `reason`, `never-ran`, `deregistered`, `disconnected`, `connected`, `anywhere`, `groups` or `in`
        cannot understand line 1: `instance i-1 disconected`
          found `disconected`; expected `disconnected`, `unread` or a status such as `DRAINING`
        cannot understand line 1: `task t1 RUNING/RUNNING`
          found `RUNING`; expected one of `PROVISIONING`, `PENDING`, `ACTIVATING`, `RUNNING`, `DEACTIVATING`, `STOPPING`, `DEPROVISIONING`, `STOPPED`, `DELETED`, or `?` and another value
        cannot understand line 1: `task t1 RUNNING/STOPED`
          found `STOPED`; expected one of `PROVISIONING`, `PENDING`, `ACTIVATING`, `RUNNING`, `DEACTIVATING`, `STOPPING`, `DEPROVISIONING`, `STOPPED`, `DELETED`, or `?` and another value
        cannot understand line 1: `task t1 STOPPED/STOPPED ended 5m stop-code UserInitated`
          found `UserInitated`; expected one of `TaskFailedToStart`, `EssentialContainerExited`, `UserInitiated`, `ServiceSchedulerInitiated`, `SpotInterruption`, `TerminationNotice`, or `?` and another value
        cannot understand line 1: `instance i-1 DRAINNG`
          found `DRAINNG`; expected one of `REGISTERING`, `REGISTRATION_FAILED`, `ACTIVE`, `INACTIVE`, `DEREGISTERING`, `DRAINING`, `MISSING`, or `?` and another value
        cannot understand line 1: `definition web:1 brigde app:80`
          found `brigde`; expected one of `bridge`, `host`, `awsvpc`, `none`, `default`, or `?` and another value
    "#]].assert_eq(&errors(lines));
}

#[test]
fn a_wrong_word_about_what_was_read_is_an_error() {
    let lines = [
        "target web i-1:32768 healthy",
        "known web i-1 t1",
        "known web i-1:32768 t1 relesed 5m",
        "ledger full",
        "event t1 nine",
        "call 2m ago DeregisterTargets web i-1:x",
        "call 2m ago DeregisterTargets web alice",
        "counts runing=3",
        "gap task",
        "gap tasks page 2 failed",
        "gap tasks \"page 2 failed",
        "call 2m ago DeregisterTarget web i-1:80",
    ];
    expect![[r#"
        cannot understand line 1: `target web i-1:32768 healthy`
          expected a line `group web ...` before this one
        cannot understand line 1: `known web i-1 t1`
          `i-1` is not a target such as i-0123456789abcdef0:32768, 10.0.1.7:8080 or [2001:db8::7]:8080
        cannot understand line 1: `known web i-1:32768 t1 relesed 5m`
          found `relesed`; expected `released SPAN` or the end of the line
        cannot understand line 1: `ledger full`
          found `full`; expected `empty`
        cannot understand line 1: `event t1 nine`
          found `nine`; expected a whole number
        cannot understand line 1: `call 2m ago DeregisterTargets web i-1:x`
          found `i-1:x`; expected a target, an instance or address, `by USER`, `role ROLE` or `through SERVICE`
        cannot understand line 1: `call 2m ago DeregisterTargets web alice`
          found `alice`; expected a target, an instance or address, `by USER`, `role ROLE` or `through SERVICE`
        cannot understand line 1: `counts runing=3`
          found `runing=3`; expected `running=NUMBER` or `pending=NUMBER`
        cannot understand line 1: `gap task`
          found `task`; expected `service`, `tasks`, `revisions`, `owners`, `elsewhere` or `none`
        cannot understand line 1: `gap tasks page 2 failed`
          found `2`; expected the end of the line: quote a reason of several words
        cannot understand line 1: `gap tasks "page 2 failed`
          the line ends within a quotation; expected another `"`
        cannot understand line 1: `call 2m ago DeregisterTarget web i-1:80`
          found `DeregisterTarget`; expected one of `RegisterTargets`, `DeregisterTargets`, `DeleteTargetGroup`, `DeleteListener`, `DeleteRule`, `ModifyRule`, `ModifyListener`, or `?` and another value
    "#]].assert_eq(&errors(lines));
}

#[test]
fn lines_that_need_a_service_or_a_group_say_so_and_a_second_reason_is_refused() {
    let lines = [
        "target web i-1:32768 helthy",
        "deployment 111 PRIMRY web:1",
        "deployment 111 PRIMARY web:1 INPROGRESS",
        "target web i-1:32768 healthy Target.Timeout Target.Other",
        "deployment 111 PRIMARY web:1 IN_PROGRESS COMPLETED",
        "taskset 111 binds web to app:8080 desires 1",
        "revision 111 web:1 bind web to app:8080",
    ];
    let worlds = lines.map(|line| format!("{SERVICE}{line}"));
    expect![[r#"
        cannot understand line 3: `target web i-1:32768 helthy`
          found `helthy`; expected one of `initial`, `healthy`, `unhealthy`, `unhealthy.draining`, `unused`, `draining`, `unavailable`, or `?` and another value
        cannot understand line 3: `deployment 111 PRIMRY web:1`
          found `PRIMRY`; expected one of `PRIMARY`, `ACTIVE`, `DRAINING`, `INACTIVE`, or `?` and another value
        cannot understand line 3: `deployment 111 PRIMARY web:1 INPROGRESS`
          found `INPROGRESS`; expected one of `IN_PROGRESS`, `COMPLETED`, `FAILED`, or `?` and another value
        cannot understand line 3: `target web i-1:32768 healthy Target.Timeout Target.Other`
          found `Target.Other`; expected one reason, or `zone=`
        cannot understand line 3: `deployment 111 PRIMARY web:1 IN_PROGRESS COMPLETED`
          found `COMPLETED`; expected one rollout state, `failed=` or `for SPAN`
        cannot understand line 3: `taskset 111 binds web to app:8080 desires 1`
          found `desires`; expected `binds GROUP to CONTAINER:PORT`, `desired NUMBER`, `status STATUS` or the end of the line
        cannot understand line 3: `revision 111 web:1 bind web to app:8080`
          found `bind`; expected `undescribed`, `binds GROUP to CONTAINER:PORT`, `resolved GROUPS` or the end of the line
    "#]].assert_eq(&errors(worlds.iter().map(String::as_str)));
}

/// The largest counts that ECS's form allows, although no service has them.
#[test]
fn counts_that_cannot_be_added_are_no_panic() {
    let out = run(&format!("{SERVICE}counts running=4294967295 pending=1")).unwrap();
    assert!(out.starts_with("0s:"), "{out}");
}

/// AWS may add values. A `?` says that one is meant.
#[test]
fn a_value_that_aws_may_add_is_marked() {
    let marked = run(&format!("{SERVICE}target web i-1:32768 ?sleepy\nlook")).unwrap();
    assert!(marked.contains("foreign"), "{marked}");
}

/// The lines of the blocks `text` in `docs/text-worlds.md`.
fn documented() -> Vec<String> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/text-worlds.md");
    let page = fs::read_to_string(page).unwrap();
    let blocks = page.split("```text\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    blocks.flat_map(str::lines).map(str::to_owned).collect()
}

#[test]
fn every_documented_line_is_understood_and_every_fact_is_documented() {
    let lines = documented();
    let mut looks = 0;
    run_in(&mut World::new().unwrap(), &lines.join("\n"), |_| looks += 1).unwrap();
    assert_eq!(looks, lines.iter().filter(|line| line.starts_with("look")).count());
    let error = errors(["x"]);
    let expected = error.split("expected ").nth(1).unwrap();
    // `ledger empty` would remove the record on which the other lines of the page depend.
    for fact in expected.split('`').skip(1).step_by(2).filter(|fact| *fact != "ledger") {
        assert!(lines.iter().any(|line| line.split(' ').next() == Some(fact)), "{fact}");
    }
}

/// Whatever takes the place of a word: an error or a result, and no panic.
#[test]
fn no_wrong_word_makes_it_panic() {
    let lines = documented();
    let (facts, looks): (Vec<_>, Vec<_>) =
        lines.iter().map(String::as_str).partition(|line| !line.starts_with("look"));
    let mut refused = 0;
    for (index, line) in facts.iter().chain(&looks).enumerate() {
        let words: Vec<&str> = line.split(' ').collect();
        for place in 0..words.len() {
            for wrong in
                ["", "\"\"", "é", "=", "/", "->", "-1", "99999999999", "i-1:", "4294967295h"]
            {
                let mut words = words.clone();
                words[place] = wrong;
                let changed = words.join(" ");
                let mut world: Vec<&str> = facts.clone();
                match world.get_mut(index) {
                    Some(line) => *line = &changed,
                    None => world.push(&changed),
                }
                world.push("look");
                refused += u32::from(run(&world.join("\n")).is_err());
            }
        }
    }
    assert!(refused > 1000, "{refused}");
}
