"""S3: Portkeeper reads exactly the announced spec, by version or by condition, and writes results to the same bucket.

Each account has two buckets from the start: `specs` has versioning, `plain` does not.
"""

NO_VERSION = "3sL4kqtJlcpXroDTDmJ.rmSpXd3dIbrH"


def talk(say, account):
    _objects(say)
    _conditions(say)
    _versions(say)
    _lists(say)
    _refused(say)


def _objects(say):
    spec = {"Bucket": "plain", "Key": "specs/web shop.yaml"}
    say("put", "PutObject", **spec, Body=b"desiredCount: 2", ContentType="application/yaml", Metadata={"by": "ann"})
    say("get", "GetObject", **spec)
    say("head", "HeadObject", **spec)
    say("get unknown key", "GetObject", Bucket="plain", Key="none")
    say("head unknown key", "HeadObject", Bucket="plain", Key="none")
    say("get from unknown bucket", "GetObject", Bucket="no-such-bucket", Key="none")
    say("head in unknown bucket", "HeadObject", Bucket="no-such-bucket", Key="none")
    say("put in unknown bucket", "PutObject", Bucket="no-such-bucket", Key="a", Body=b"")
    say("put nothing", "PutObject", Bucket="plain", Key="empty", Body=b"")
    say("get nothing", "GetObject", Bucket="plain", Key="empty")
    say("get first bytes", "GetObject", **spec, Range="bytes=0-3")
    say("get bytes beyond the end", "GetObject", **spec, Range="bytes=99-")
    say("delete", "DeleteObject", **spec)
    say("delete again", "DeleteObject", **spec)
    say("get deleted", "GetObject", **spec)
    say("delete in unknown bucket", "DeleteObject", Bucket="no-such-bucket", Key="a")


def _conditions(say):
    spec = {"Bucket": "plain", "Key": "conditions.yaml"}
    say("put if nothing is there", "PutObject", **spec, Body=b"one", IfNoneMatch="*")
    say("put if nothing is there, again", "PutObject", **spec, Body=b"two", IfNoneMatch="*")
    tag = say.quietly("HeadObject", **spec).get("ETag", '"none"')
    other = '"00000000000000000000000000000000"'
    say("get if it matches", "GetObject", **spec, IfMatch=tag)
    say("get if it matches another", "GetObject", **spec, IfMatch=other)
    say("get if it is none of that", "GetObject", **spec, IfNoneMatch=tag)
    say("get if it is none of another", "GetObject", **spec, IfNoneMatch=other)
    say("head if it matches another", "HeadObject", **spec, IfMatch=other)
    say("put if it matches", "PutObject", **spec, Body=b"two", IfMatch=tag)
    say("put if it matches, again", "PutObject", **spec, Body=b"three", IfMatch=tag)
    say("put if it matches where nothing is", "PutObject", Bucket="plain", Key="none", Body=b"a", IfMatch=tag)
    say("get after conditions", "GetObject", **spec)


def _versions(say):
    spec = {"Bucket": "specs", "Key": "web.yaml"}
    first = say("put first version", "PutObject", **spec, Body=b"one").get("VersionId", NO_VERSION)
    second = say("put second version", "PutObject", **spec, Body=b"two").get("VersionId", NO_VERSION)
    say.note("the versions differ", first != second)
    say("get newest version", "GetObject", **spec)
    say("get first version", "GetObject", **spec, VersionId=first)
    say("head first version", "HeadObject", **spec, VersionId=first)
    say("get unknown version", "GetObject", **spec, VersionId=NO_VERSION)
    say("get version that is none", "GetObject", **spec, VersionId="1")
    marker = say("delete newest", "DeleteObject", **spec).get("VersionId", NO_VERSION)
    say("get what is deleted", "GetObject", **spec)
    say("head what is deleted", "HeadObject", **spec)
    say("get the delete marker", "GetObject", **spec, VersionId=marker)
    say("get first version of what is deleted", "GetObject", **spec, VersionId=first)
    say("put if nothing is there, over a delete marker", "PutObject", **spec, Body=b"three", IfNoneMatch="*")
    say("delete first version", "DeleteObject", **spec, VersionId=first)
    say("get first version when it is deleted", "GetObject", **spec, VersionId=first)


def _lists(say):
    for number in range(5):
        say.quietly("PutObject", Bucket="plain", Key=f"results/{number}.json", Body=b"{}")
    say("list by prefix", "ListObjectsV2", Bucket="plain", Prefix="results/")
    say("list by unknown prefix", "ListObjectsV2", Bucket="plain", Prefix="none/")
    say("list by delimiter", "ListObjectsV2", Bucket="plain", Delimiter="/")
    say("list of unknown bucket", "ListObjectsV2", Bucket="no-such-bucket")
    paged = ("ContinuationToken", "NextContinuationToken")
    say.pages("list, two to a page", "ListObjectsV2", "Contents", paged, Bucket="plain", Prefix="results/", MaxKeys=2)
    say("list with unknown token", "ListObjectsV2", Bucket="plain", ContinuationToken="nobody's")


def _refused(say):
    say("put key of 1025 bytes", "PutObject", Bucket="plain", Key="x" * 1025, Body=b"")
    say("put for another owner", "PutObject", Bucket="plain", Key="a", Body=b"", ExpectedBucketOwner="999999999999")
