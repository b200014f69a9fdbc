"""ECS: what a list omits, and how ECS reports a failure, decides between absent and unknown."""

import time

ARN = "arn:aws:ecs:eu-west-1:111122223333:"
NO_ID = "0123456789abcdef0123456789abcdef"
PAGED = ("nextToken", "nextToken")
APP = {"name": "app", "image": "app:1", "cpu": 128, "memory": 128, "portMappings": [{"containerPort": 8080}]}
FARGATE = {"networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512"}

# Longer than a deployment without tasks takes.
SETTLED_SECONDS = 3

# Longer than a task of ours needs to run.
RUNNING_SECONDS = 20


def talk(say, account):
    _clusters(say)
    _definitions(say)
    _services(say)
    tasks = _tasks(say, account)
    _lists(say)
    _described(say, tasks)
    _stopped(say, tasks)
    _instances(say)
    _revisions(say)
    _refused(say)
    _end(say)


def _clusters(say):
    say("describe default cluster before there is one", "DescribeClusters")
    say("create cluster", "CreateCluster", clusterName="shop")
    say("create cluster again", "CreateCluster", clusterName="shop")
    say("describe clusters, one unknown", "DescribeClusters", clusters=["shop", "none"])
    say("list clusters", "ListClusters")
    say.quietly("CreateCluster", clusterName="other")
    say.pages("list clusters, one to a page", "ListClusters", "clusterArns", PAGED, maxResults=1)


def _definitions(say):
    say("register bridge", "RegisterTaskDefinition", family="web", containerDefinitions=[APP])
    say("register bridge again", "RegisterTaskDefinition", family="web", containerDefinitions=[APP])
    say("register awsvpc", "RegisterTaskDefinition", family="api", containerDefinitions=[APP], **FARGATE)
    for what, name in [("family", "web"), ("revision", "web:1"), ("ARN", ARN + "task-definition/web:1")]:
        say(f"describe definition by {what}", "DescribeTaskDefinition", taskDefinition=name)
    say("describe unknown definition", "DescribeTaskDefinition", taskDefinition="none")
    say("describe unknown revision", "DescribeTaskDefinition", taskDefinition="web:9")


def _services(say):
    web = {"cluster": "shop", "serviceName": "web", "taskDefinition": "web", "desiredCount": 0}
    say("create service", "CreateService", **web)
    for name in ["a", "b", "c", "d"]:
        say.quietly("CreateService", **{**web, "serviceName": f"web-{name}"})
    time.sleep(SETTLED_SECONDS)

    def described(step, *services, cluster="shop"):
        say(step, "DescribeServices", cluster=cluster, services=list(services))

    described("describe services, one unknown", "web", "none")
    described("describe service by ARN", ARN + "service/shop/web")
    described("describe service of other cluster by name", "web", cluster="other")
    described("describe service of other cluster by ARN", ARN + "service/shop/web", cluster="other")
    described("describe services of unknown cluster", "web", cluster="none")
    described("describe no service")
    described("describe 11 services", *["web"] * 11)
    say("list services of unknown cluster", "ListServices", cluster="none")
    say.pages("list services, two to a page", "ListServices", "serviceArns", PAGED, cluster="shop", maxResults=2)
    for most in [0, 101]:
        say(f"list services, {most} to a page", "ListServices", cluster="shop", maxResults=most)
    say("list services with unknown token", "ListServices", cluster="shop", nextToken="nobody's")
    say("list services on Fargate", "ListServices", cluster="shop", launchType="FARGATE")
    tags = {"resourceArn": ARN + "service/shop/web", "tags": [{"key": "portkeeper:mode", "value": "alert"}]}
    say("tag service", "TagResource", **tags)
    say("list tags", "ListTagsForResource", resourceArn=tags["resourceArn"])
    tagged = {"cluster": "shop", "services": ["web"], "include": ["TAGS"]}
    say("describe service with tags", "DescribeServices", **tagged)
    say("tag unknown service", "TagResource", **{**tags, "resourceArn": ARN + "service/shop/none"})
    say("list tags of unknown service", "ListTagsForResource", resourceArn=ARN + "service/shop/none")


def _run(account):
    network = {"awsvpcConfiguration": {"subnets": account.subnets[:1], "securityGroups": []}}
    return {"cluster": "shop", "taskDefinition": "api", "launchType": "FARGATE", "networkConfiguration": network}


def _tasks(say, account):
    """Runs three tasks, and returns their ARNs."""
    run = _run(account)
    ran = say("run three tasks", "RunTask", **run, count=3, startedBy="nightly")
    say("run unknown definition", "RunTask", **{**run, "taskDefinition": "none"})
    say("run in unknown cluster", "RunTask", **{**run, "cluster": "none"})
    tasks = [task["taskArn"] for task in ran["tasks"]]
    deadline = time.monotonic() + RUNNING_SECONDS
    while time.monotonic() < deadline:
        seen = say.quietly("DescribeTasks", cluster="shop", tasks=tasks)["tasks"]
        if {task["lastStatus"] for task in seen} == {"RUNNING"}:
            break
        time.sleep(0.5)
    return tasks


def _lists(say):
    def listed(step, **filters):
        say(step, "ListTasks", **{"cluster": "shop", **filters})

    listed("list tasks")
    listed("list tasks of unknown cluster", cluster="none")
    listed("list tasks of other cluster", cluster="other")
    listed("list tasks of family", family="api")
    listed("list tasks of unknown family", family="none")
    listed("list tasks of service without tasks", serviceName="web")
    listed("list tasks of unknown service", serviceName="none")
    listed("list tasks started by", startedBy="nightly")
    listed("list tasks started by nobody", startedBy="nobody")
    listed("list tasks started by, and family", startedBy="nightly", family="api")
    listed("list tasks to be stopped", desiredStatus="STOPPED")
    listed("list tasks to be pending", desiredStatus="PENDING")
    listed("list tasks with unknown status", desiredStatus="DRAINING")
    listed("list tasks of unknown instance", containerInstance=NO_ID)
    listed("list tasks on EC2", launchType="EC2")
    say.pages("list tasks, two to a page", "ListTasks", "taskArns", PAGED, cluster="shop", maxResults=2)
    for most in [0, 101]:
        listed(f"list tasks, {most} to a page", maxResults=most)
    listed("list tasks with unknown token", nextToken="nobody's")


def _described(say, tasks):
    def described(step, *asked, cluster="shop"):
        say(step, "DescribeTasks", cluster=cluster, tasks=list(asked))

    described("describe one task", tasks[0])
    described("describe one task by id", tasks[0].rsplit("/", 1)[-1])
    described("describe one task and one unknown", tasks[0], ARN + "task/shop/" + NO_ID)
    described("describe unknown task by id", NO_ID)
    described("describe what is no task", "web/1")
    described("describe task of other cluster by ARN", tasks[0], cluster="other")
    described("describe task of other cluster by id", tasks[0].rsplit("/", 1)[-1], cluster="other")
    described("describe task in unknown cluster", tasks[0], cluster="none")
    described("describe no task")
    described("describe 101 tasks", *tasks[:1] * 101)


def _stopped(say, tasks):
    say("stop task", "StopTask", cluster="shop", task=tasks[0], reason="enough")
    say("stop unknown task", "StopTask", cluster="shop", task=NO_ID)
    say("stop task of unknown cluster", "StopTask", cluster="none", task=tasks[0])
    running = say.quietly("ListTasks", cluster="shop")["taskArns"]
    say.note("after stopping one: the others are listed by default", sorted(running) == sorted(tasks[1:]))
    stopped = say.quietly("ListTasks", cluster="shop", desiredStatus="STOPPED")["taskArns"]
    say.note("after stopping one: it is listed as to be stopped", stopped == tasks[:1])
    seen = say.quietly("DescribeTasks", cluster="shop", tasks=tasks[:1])["tasks"]
    reasons = [(task["desiredStatus"], task.get("stopCode"), task.get("stoppedReason")) for task in seen]
    say.note("after stopping one: its reason", reasons)


def _instances(say):
    say("list instances", "ListContainerInstances", cluster="shop")
    say("list instances of unknown cluster", "ListContainerInstances", cluster="none")

    def described(step, *asked, cluster="shop"):
        say(step, "DescribeContainerInstances", cluster=cluster, containerInstances=list(asked))

    described("describe unknown instance", NO_ID)
    described("describe no instance")
    described("describe 101 instances", *[NO_ID] * 101)
    described("describe instance of unknown cluster", NO_ID, cluster="none")


def _revisions(say):
    unknown = ARN + "service-revision/shop/web/1234567890123456789"
    say("describe unknown revision of service", "DescribeServiceRevisions", serviceRevisionArns=[unknown])
    say("describe 21 revisions", "DescribeServiceRevisions", serviceRevisionArns=[unknown] * 21)
    say("describe no revision", "DescribeServiceRevisions", serviceRevisionArns=[])
    say("describe task sets of a rolling service", "DescribeTaskSets", cluster="shop", service="web")
    say("describe task sets of unknown service", "DescribeTaskSets", cluster="shop", service="none")


def _refused(say):
    """Makes calls that AWS refuses and an emulator may accept, in the cluster `other`."""
    say("create cluster named with a space", "CreateCluster", clusterName="my shop")
    say("list clusters with unknown token", "ListClusters", nextToken="nobody's")

    def register(step, *containers, **more):
        say(step, "RegisterTaskDefinition", **{"family": "bad", "containerDefinitions": list(containers), **more})

    register(
        "register awsvpc, other host port",
        {**APP, "portMappings": [{"containerPort": 8080, "hostPort": 9090}]},
        **FARGATE,
    )
    register("register no container")
    register("register container without name", {"image": "app:1", "memory": 128})
    register("register container without image", {"name": "app", "memory": 128})
    register("register without family", APP, family=None)
    register("register with unknown network mode", APP, networkMode="mesh")

    def create(step, **more):
        name = "bad-" + str(len(say.steps))
        web = {"cluster": "other", "serviceName": name, "taskDefinition": "web", "desiredCount": 0}
        say(step, "CreateService", **{**web, **more})

    create("create service again, other count", cluster="shop", serviceName="web", desiredCount=1)
    create("create service in unknown cluster", cluster="none")
    create("create service of unknown definition", taskDefinition="none")
    create("create service named with a space", serviceName="my web")
    create("create service of awsvpc without network", taskDefinition="api", launchType="FARGATE")
    group = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/none/0123456789abcdef"
    behind = {"targetGroupArn": group, "containerName": "app", "containerPort": 8080}
    create("create service behind unknown group", loadBalancers=[behind])
    create("create service behind unknown container", loadBalancers=[{**behind, "containerName": "none"}])
    create("create service behind unknown port", loadBalancers=[{**behind, "containerPort": 1}])
    create("create service with grace and no load balancer", healthCheckGracePeriodSeconds=30)
    say("run 11 tasks", "RunTask", cluster="other", taskDefinition="web", count=11)
    say("run where no instance is", "RunTask", cluster="other", taskDefinition="web")


def _end(say):
    say("update unknown service", "UpdateService", cluster="shop", service="none", desiredCount=1)
    say("update service of unknown cluster", "UpdateService", cluster="none", service="web", desiredCount=1)
    say("update service to unknown definition", "UpdateService", cluster="shop", service="web-c", taskDefinition="none")
    say("update service", "UpdateService", cluster="shop", service="web-d", taskDefinition="web:1")
    say.quietly("UpdateService", cluster="shop", service="web-a", desiredCount=1)
    say("delete service that is scaled up", "DeleteService", cluster="shop", service="web-a")
    deleted = say.quietly("DeleteService", cluster="shop", service="web-b")["service"]
    say.note("delete service: it is not active", deleted["status"] != "ACTIVE")
    time.sleep(SETTLED_SECONDS)
    say("describe deleted service", "DescribeServices", cluster="shop", services=["web-b"])
    say("delete unknown service", "DeleteService", cluster="shop", service="none")
    say("delete service of unknown cluster", "DeleteService", cluster="none", service="web")
