"""Verifies that AWS has the error codes that the product handles, and that the product knows all codes for throttling.

    codes.py FOLDER...

Reads the sources in these folders as text, and botocore's models. If no service has a code, the product has a branch that
never runs. If the product does not know a code for throttling, it treats throttling as a refusal, which is final.
"""

import re
import sys
from pathlib import Path

import botocore.session

# The services that the product calls.
SERVICES = [
    "application-autoscaling",
    "dynamodb",
    "ecs",
    "elbv2",
    "events",
    "logs",
    "s3",
    "secretsmanager",
    "sns",
    "sqs",
]

# Codes of every service, which no model contains.
# common: "Common Errors" of each API reference. sdk: the retry classifier of the Rust SDK (aws-runtime) and botocore's
# (`data/_retry.json`). sts: expired or unknown credentials, "Common Errors". sqs: `awsQueryError` of its Smithy model.
DOCUMENTED = {
    "AccessDenied": "common",
    "AccessDeniedException": "common",
    "AuthorizationErrorException": "the shape of SNS's AuthorizationError",
    "BandwidthLimitExceeded": "sdk",
    "ExpiredToken": "sts",
    "ExpiredTokenException": "common",
    "InvalidClientTokenId": "common",
    "InvalidSignatureException": "common",
    "KMS.ThrottlingException": "sqs",
    "KMSThrottlingException": "the shape of SNS's KMSThrottling",
    "PriorRequestNotComplete": "sdk",
    "RequestExpired": "common",
    "RequestThrottledException": "sdk",
    "SignatureDoesNotMatch": "common",
    "SlowDown": "sdk",
    "ThrottledException": "the shape of SNS's Throttled",
    "Throttling": "common",
    "TooManyRequestsException": "sdk",
    "TransactionInProgressException": "sdk",
    "UnauthorizedOperation": "common",
    "UnrecognizedClientException": "common",
    "ValidationError": "common",
}

LIST = re.compile(r"const (?P<name>\w+): \[&str; \d+\] = \[(?P<codes>.*?)\];", re.DOTALL)
ALONE = re.compile(r"""code(?:\(\))? (?:==|\{)[^;]*?"(\w+)"|Some\("(\w+Exception)"\)""")
LISTS = {"THROTTLING_CODES", "DENIED_CODES", "CREDENTIAL_CODES", "ONE_BAD_TARGET"}


class NotThere(Exception):
    """The sources do not contain a list that this check verifies: it was renamed, and the check would be empty."""


def of_product(folders):
    """Returns the codes by the name of their list; those outside lists have an empty name."""
    found = {}
    for path in sorted(path for folder in folders for path in Path(folder).rglob("*.rs")):
        text = path.read_text().split("#[cfg(test)]")[0]
        for match in LIST.finditer(text):
            if match["name"] in LISTS:
                found[match["name"]] = set(re.findall(r'"([^"]+)"', match["codes"]))
        found.setdefault("", set()).update(name for pair in ALONE.findall(text) for name in pair if name)
    missing = LISTS - found.keys()
    if missing:
        raise NotThere(f"{', '.join(sorted(missing))} in {' and '.join(folders)}")
    return found


def of_aws():
    """Returns the codes of each service's model, with their HTTP status."""
    session = botocore.session.get_session()
    models = {service: session.get_service_model(service) for service in SERVICES}
    return {
        service: {
            shape.error_code: shape.metadata.get("error", {}).get("httpStatusCode") for shape in model.error_shapes
        }
        for service, model in models.items()
    }


def faults(folders):
    ours, theirs = of_product(folders), of_aws()
    known = {code for codes in theirs.values() for code in codes}
    found = [
        f"the product handles {code}, which no service has"
        for code in sorted(set().union(*ours.values()))
        if code not in known and code not in DOCUMENTED
    ]
    for service, codes in theirs.items():
        for code, status in sorted(codes.items()):
            is_throttling = re.search("throttl|^requestlimit|throughputexceeded", code, re.IGNORECASE)
            if is_throttling and status != 429 and code not in ours["THROTTLING_CODES"]:
                found.append(f"the product treats {code} of {service} as a refusal, not as throttling")
    return found


def main(folders):
    found = faults(folders)
    for fault in found:
        print(f"error code  {fault}")
    count = len(set().union(*of_product(folders).values()))
    print(f"{count} error codes that the product handles: {len(found)} faults by botocore's models")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
