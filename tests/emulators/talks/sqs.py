"""SQS: Portkeeper's work comes from a queue; each entry of a batch has its own result, and poison becomes a dead letter."""

import json
import time

NO_QUEUE = "https://sqs.eu-west-1.amazonaws.com/111122223333/none"


def talk(say, account):
    arn = _queues(say)
    _messages(say)
    _receipts(say)
    _batches(say)
    _redrive(say)
    _refused_queues(say, arn)
    _refused_messages(say)


def _url(say, name):
    return say.quietly("GetQueueUrl", QueueName=name).get("QueueUrl", NO_QUEUE)


def _first(answer):
    """Returns the first message, or an empty one."""
    return answer.get("Messages", [{"ReceiptHandle": "nobody's"}])[0]


def _queues(say):
    dead = say("create dead-letter queue", "CreateQueue", QueueName="dead")["QueueUrl"]
    arn = say.quietly("GetQueueAttributes", QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 2})
    settings = {"VisibilityTimeout": "30", "DelaySeconds": "0", "RedrivePolicy": policy}
    checks = say("create queue", "CreateQueue", QueueName="checks", Attributes=settings)["QueueUrl"]
    say("create queue again", "CreateQueue", QueueName="checks", Attributes=settings)
    say("create queue again, other time-out", "CreateQueue", QueueName="checks", Attributes={"VisibilityTimeout": "2"})
    say("create queue again, no attributes", "CreateQueue", QueueName="checks")
    say("url of queue", "GetQueueUrl", QueueName="checks")
    say("url of unknown queue", "GetQueueUrl", QueueName="none")
    names = ["VisibilityTimeout", "DelaySeconds", "MessageRetentionPeriod", "RedrivePolicy", "QueueArn"]
    say("attributes", "GetQueueAttributes", QueueUrl=checks, AttributeNames=names)
    say("all attributes", "GetQueueAttributes", QueueUrl=checks, AttributeNames=["All"])
    say("no attributes", "GetQueueAttributes", QueueUrl=checks)
    say("unknown attribute", "GetQueueAttributes", QueueUrl=checks, AttributeNames=["Colour"])
    say("attributes of unknown queue", "GetQueueAttributes", QueueUrl=NO_QUEUE, AttributeNames=["All"])
    for name in ["delays", "receipts", "batches"]:
        say.quietly("CreateQueue", QueueName=name)
    return arn


def _messages(say):
    checks = {"QueueUrl": _url(say, "checks")}
    attributes = {"service": {"DataType": "String", "StringValue": "shop/web"}}
    say("send", "SendMessage", **checks, MessageBody="hello", MessageAttributes=attributes)
    system = ["ApproximateReceiveCount", "SentTimestamp"]
    wanted = {"MessageSystemAttributeNames": system, "MessageAttributeNames": ["All"]}
    got = say("receive", "ReceiveMessage", **checks, **wanted)
    say("receive while in flight", "ReceiveMessage", **checks)
    counts = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    say("count while in flight", "GetQueueAttributes", **checks, AttributeNames=counts)
    receipt = {"ReceiptHandle": _first(got)["ReceiptHandle"]}
    say("show at once", "ChangeMessageVisibility", **checks, **receipt, VisibilityTimeout=0)
    got = say("receive a second time", "ReceiveMessage", **checks, **wanted)
    receipt = {"ReceiptHandle": _first(got)["ReceiptHandle"]}
    say("delete", "DeleteMessage", **checks, **receipt)
    say("delete again", "DeleteMessage", **checks, **receipt)
    say("receive what is deleted", "ReceiveMessage", **checks)
    delays = {"QueueUrl": _url(say, "delays")}
    say("send with delay", "SendMessage", **delays, MessageBody="later", DelaySeconds=2)
    say("receive before the delay is over", "ReceiveMessage", **delays)
    time.sleep(2.5)
    say("receive after the delay", "ReceiveMessage", **delays, VisibilityTimeout=1)
    time.sleep(1.5)
    say("receive after the time-out", "ReceiveMessage", **delays, MessageSystemAttributeNames=system)


def _receipts(say):
    queue = {"QueueUrl": _url(say, "receipts")}
    say.quietly("SendMessage", **queue, MessageBody="hello")
    old = {"ReceiptHandle": _first(say.quietly("ReceiveMessage", **queue, VisibilityTimeout=0))["ReceiptHandle"]}
    say("hide what is not in flight", "ChangeMessageVisibility", **queue, **old, VisibilityTimeout=5)
    new = {"ReceiptHandle": _first(say.quietly("ReceiveMessage", **queue, VisibilityTimeout=30))["ReceiptHandle"]}
    say("hide beyond 12 h", "ChangeMessageVisibility", **queue, **new, VisibilityTimeout=43201)
    say.quietly("DeleteMessage", **queue, **new)
    say("hide what is deleted", "ChangeMessageVisibility", **queue, **new, VisibilityTimeout=5)
    say("hide by no receipt", "ChangeMessageVisibility", **queue, ReceiptHandle="nobody's", VisibilityTimeout=5)
    say("delete by no receipt", "DeleteMessage", **queue, ReceiptHandle="nobody's")


def _batches(say):
    queue = {"QueueUrl": _url(say, "batches")}

    def send(step, *entries):
        say(step, "SendMessageBatch", **queue, Entries=list(entries))

    entry = {"Id": "1", "MessageBody": "one"}
    send("send batch", entry, {"Id": "2", "MessageBody": "two"})
    got = say.quietly("ReceiveMessage", **queue, MaxNumberOfMessages=10)["Messages"]
    receipts = [{"Id": message["Body"], "ReceiptHandle": message["ReceiptHandle"]} for message in got]
    bad = {"Id": "bad", "ReceiptHandle": "nobody's"}
    say("delete batch, one receipt bad", "DeleteMessageBatch", **queue, Entries=[*receipts, bad])
    say("delete batch of none", "DeleteMessageBatch", **queue, Entries=[])
    send("send batch of none")
    send("send batch of 11", *({**entry, "Id": str(number)} for number in range(11)))
    send("send batch, ids repeated", entry, entry)
    send("send batch, id with a space", {**entry, "Id": "a b"})
    send("send batch, id of 81 characters", {**entry, "Id": "x" * 81})
    long = {"MessageBody": "x" * 600_000}
    send("send batch, together too long", {"Id": "1", **long}, {"Id": "2", **long})
    say("send batch to unknown queue", "SendMessageBatch", QueueUrl=NO_QUEUE, Entries=[entry])
    send("send batch, one delay bad", entry, {"Id": "2", "MessageBody": "two", "DelaySeconds": 901})
    send("send batch, one body empty", {"Id": "2", "MessageBody": ""}, {"Id": "3", "MessageBody": "three"})


def _redrive(say):
    """A message that is received twice without being deleted becomes a dead letter at the third attempt."""
    checks, dead = {"QueueUrl": _url(say, "checks")}, {"QueueUrl": _url(say, "dead")}
    say.quietly("SendMessage", **checks, MessageBody="poison")
    counted = {"MessageSystemAttributeNames": ["ApproximateReceiveCount", "DeadLetterQueueSourceArn"]}
    for turn in ["first", "second", "third"]:
        say(f"receive poison, {turn} time", "ReceiveMessage", **checks, **counted, VisibilityTimeout=0)
    say("receive dead letter", "ReceiveMessage", **dead, **counted)


def _refused_queues(say, dead):
    say("create queue named with a space", "CreateQueue", QueueName="my checks")
    say("create queue of 81 characters", "CreateQueue", QueueName="x" * 81)
    nowhere = json.dumps({"deadLetterTargetArn": f"{dead}-none", "maxReceiveCount": 2})
    odd = json.dumps({"deadLetterTargetArn": dead, "maxReceiveCount": 0})
    for number, (what, name, value) in enumerate(
        [
            ("VisibilityTimeout 43201", "VisibilityTimeout", "43201"),
            ("DelaySeconds 901", "DelaySeconds", "901"),
            ("DelaySeconds soon", "DelaySeconds", "soon"),
            ("MessageRetentionPeriod 59", "MessageRetentionPeriod", "59"),
            ("unknown attribute", "Colour", "red"),
            ("unknown dead letters", "RedrivePolicy", nowhere),
            ("maxReceiveCount 0", "RedrivePolicy", odd),
            ("a policy that is no JSON", "RedrivePolicy", "dead"),
        ]
    ):
        say(f"create queue with {what}", "CreateQueue", QueueName=f"bad-{number}", Attributes={name: value})


def _refused_messages(say):
    queue = {"QueueUrl": say.quietly("CreateQueue", QueueName="odd")["QueueUrl"]}
    hello = {**queue, "MessageBody": "hello"}
    say("send to unknown queue", "SendMessage", **{**hello, "QueueUrl": NO_QUEUE})
    say("send nothing", "SendMessage", **queue, MessageBody="")
    say("send without body", "SendMessage", **queue)
    say("send a control character", "SendMessage", **queue, MessageBody="\u0001")
    say("send 1 MiB and one byte", "SendMessage", **queue, MessageBody="x" * (1024 * 1024 + 1))
    for delay in [901, -1]:
        say(f"send with delay {delay}", "SendMessage", **hello, DelaySeconds=delay)
    say("send with attribute without value", "SendMessage", **hello, MessageAttributes={"a": {"DataType": "String"}})
    eleven = {f"a{number}": {"DataType": "String", "StringValue": "x"} for number in range(11)}
    say("send with 11 attributes", "SendMessage", **hello, MessageAttributes=eleven)
    for number in [0, 11]:
        say(f"receive {number} messages", "ReceiveMessage", **queue, MaxNumberOfMessages=number)
    say("receive and wait 21 s", "ReceiveMessage", **queue, WaitTimeSeconds=21)
    say("receive from unknown queue", "ReceiveMessage", QueueUrl=NO_QUEUE)
