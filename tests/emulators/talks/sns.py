"""SNS: it publishes alerts. If SNS refused a subject or an attribute, nobody would receive the alert."""

NO_TOPIC = "arn:aws:sns:eu-west-1:111122223333:none"


def talk(say, account):
    topic = say("create topic", "CreateTopic", Name="alerts").get("TopicArn", NO_TOPIC)
    say("create topic again", "CreateTopic", Name="alerts")
    say("create topic named with a space", "CreateTopic", Name="my alerts")
    say("create topic of 257 characters", "CreateTopic", Name="x" * 257)
    say("create topic without name", "CreateTopic", Name="")

    def publish(step, **more):
        say(step, "Publish", **{"TopicArn": topic, "Message": "web lost a target", **more})

    publish("publish")
    publish("publish to unknown topic", TopicArn=NO_TOPIC)
    publish("publish to what is no ARN", TopicArn="alerts")
    publish("publish nothing", Message="")
    publish("publish 256 KiB", Message="x" * 262_144)
    publish("publish 256 KiB and one byte", Message="x" * 262_145)
    _subjects(publish)
    _structure(publish)
    _attributes(publish)


def _subjects(publish):
    publish("publish with subject", Subject="missing in shop/web")
    publish("subject of 99 characters", Subject="x" * 99)
    for what, subject in [
        ("of 100 characters", "x" * 100),
        ("empty", ""),
        ("with a line break", "missing\nin shop/web"),
        ("with a control character", "missing\u0007"),
        ("that begins with a space", " missing"),
        ("not in ASCII", "fehlt für web"),
    ]:
        publish(f"subject {what}", Subject=subject)


def _structure(publish):
    publish("structure json", MessageStructure="json", Message='{"default": "a", "email": "b"}')
    publish("structure json without default", MessageStructure="json", Message='{"email": "b"}')
    publish("structure json that is none", MessageStructure="json", Message="web")
    publish("structure xml", MessageStructure="xml", Message='{"default": "a"}')


def _attributes(publish):
    text = {"DataType": "String", "StringValue": "critical"}
    for what, attribute in [
        ("of type String", text),
        ("of type Number", {"DataType": "Number", "StringValue": "3"}),
        ("of type Number that is none", {"DataType": "Number", "StringValue": "three"}),
        ("of type String.Array", {"DataType": "String.Array", "StringValue": '["a"]'}),
        ("of unknown type", {"DataType": "Colour", "StringValue": "red"}),
        ("without type", {"StringValue": "red"}),
        ("without value", {"DataType": "String"}),
        ("with empty value", {"DataType": "String", "StringValue": ""}),
    ]:
        publish(f"attribute {what}", MessageAttributes={"severity": attribute})
    publish("11 attributes", MessageAttributes={f"a{number}": text for number in range(11)})
    publish("attributes count towards the size", Message="x" * 262_140, MessageAttributes={"severity": text})
