//! The service as a whole: tasks that cannot be placed, and tasks that ECS stops repeatedly.

use portkeeper_tests::shop::{Shop, behind};
use portkeeper_world::ecs::Answer;

/// A task that cannot be placed is reported with ECS's own message once it has lasted, and so is
/// its end.
#[tokio::test]
async fn a_task_that_cannot_be_placed_is_reported_with_ecs_own_message() {
    let mut shop = Shop::new(2, &[]);
    let group = shop.alb_group("web-tg");
    shop.make(&behind("web", &group).host().desired(2));
    shop.settle().await;
    let lost = shop.targets("web-tg").remove(0).0;
    shop.world().terminate_instance(&lost).unwrap();
    shop.watch(&["web"], 600).await;
    assert_eq!(shop.alerts(), [""; 0], "a new instance may still come");
    shop.watch(&["web"], 600).await;
    assert_eq!(shop.alerts(), ["error below_desired opened"]);
    let text = shop.alert_texts().remove(0);
    assert!(text.contains("1 of 2 desired tasks are running; ECS reported at "), "{text}");
    assert!(
        text.contains(
            "(service web) was unable to place a task because no container instance met all"
        ),
        "{text}"
    );
    shop.world().make_instances("shop", 1).unwrap();
    shop.watch(&["web"], 300).await;
    assert_eq!(shop.alerts(), ["error below_desired opened", "error below_desired resolved"]);
    assert_eq!((shop.count("RegisterTargets"), shop.count("DeregisterTargets")), (0, 0));
}

/// ECS stops one task after another and always has one that just started: at no moment is anything
/// wrong.
#[tokio::test]
async fn tasks_that_ecs_stops_repeatedly_are_a_kill_loop() {
    let mut shop = Shop::settled_web(2, 1).await;
    for _ in 0..3 {
        assert_eq!(shop.alerts(), [""; 0]);
        let task = shop.tasks("web").pop().unwrap();
        shop.world().set_answer(&task, Answer::Status(502)).unwrap();
        shop.watch(&["web"], 150).await;
    }
    shop.watch(&["web"], 150).await;
    assert_eq!(shop.alerts(), ["error kill_loop opened"]);
    let text = shop.alert_texts().remove(0);
    assert!(
        text.contains("ECS stopped 3 tasks within 30 min for failed health checks in web-tg"),
        "{text}"
    );
    assert!(
        text.contains("ECS reported: (reason Health checks failed with these codes: [502])"),
        "{text}"
    );
    assert!(text.contains("grace period is 0"), "{text}");
    shop.watch(&["web"], 2100).await;
    assert_eq!(shop.alerts(), ["error kill_loop opened", "error kill_loop resolved"]);
    shop.world().calls.clear();
    shop.look("web").await;
    assert_eq!(shop.count("PutItem"), 0, "and then it is quiet again");
}
