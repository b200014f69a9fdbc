"""The comparison finds a new difference, a row that no longer occurs, and a response that AWS could not send."""

import json
import sys
import tempfile
import unittest
from pathlib import Path

import accounts
import codes
import differences
import model
import table

HEADER = "## sns\n\n| step | member | ours | moto | ministack | why |\n|---|---|---|---|---|---|\n"
PUBLISH = "| `publish` | `outcome` | `Bad 400` | `ok` | = | because |\n"


def said(outcome, **answer):
    return {"publish": {"outcome": outcome, "answer": answer}}


class Differences(unittest.TestCase):
    def test_a_refusal_is_one_difference_and_each_member_another(self):
        found = differences.between("sns", said("ok", Id="1"), "moto", said("Bad 400"))
        self.assertEqual([(one.member, one.ours, one.theirs) for one in found], [("outcome", "ok", "Bad 400")])
        mine, other = [{"Id": "a", "N": 1}, {"Id": "b"}], [{"Id": "b"}, {"Id": "a", "N": 2}]
        found = differences.between("sns", said("ok", List=mine), "moto", said("ok", List=other))
        self.assertEqual([(one.member, one.ours, one.theirs) for one in found], [("List[a].N", "1", "2")])

    def test_a_step_of_only_one_side_is_a_difference(self):
        found = differences.between("sns", said("ok"), "moto", {})
        self.assertEqual([one.theirs for one in found], ["no such step"])


class Table(unittest.TestCase):
    def judge(self, text, *found):
        return table.judge(table.read(HEADER + text), list(found))

    def test_a_difference_needs_a_row_with_its_values(self):
        found = differences.Difference("sns", "publish", "outcome", "moto", "Bad 400", "ok")
        self.assertEqual(self.judge(PUBLISH, found), ([], []))
        for other in [
            found._replace(theirs="Other 400"),
            found._replace(ours="ok"),
            found._replace(step="subscribe"),
            found._replace(service="sqs"),
            found._replace(emulator="ministack"),
        ]:
            unexplained, stale = self.judge(PUBLISH, found, other)
            self.assertEqual((unexplained, stale), ([other], []))

    def test_a_row_that_does_not_occur_is_reported(self):
        unexplained, stale = self.judge(PUBLISH)
        found = [(row.line, what) for row, what in stale]
        self.assertEqual((unexplained, found), ([], [(5, "publish"), (5, "outcome"), (5, "moto")]))

    def test_a_row_with_several_steps_needs_each_of_them(self):
        found = differences.Difference("sns", "publish", "outcome", "moto", "Bad 400", "ok")
        rows = PUBLISH.replace("`publish`", "`publish`<br>`sub*`")
        self.assertEqual(self.judge(rows, found, found._replace(step="subscribe")), ([], []))
        unexplained, stale = self.judge(rows, found)
        self.assertEqual((unexplained, [what for _, what in stale]), ([], ["sub*"]))

    def test_the_printed_rows_can_be_pasted(self):
        found = differences.Difference("sns", "publish", "Ids[a|b]", "ministack", '"x"', "absent")
        pasted = table.as_rows([found]).replace("## sns", "").replace("?", "because")
        self.assertEqual(self.judge(pasted, found), ([], []))

    def test_a_row_must_be_whole(self):
        for row in ["| `publish` | `outcome` | `ok` | = | = |", "| `publish` | `outcome` | `ok` | `x` | = |  |"]:
            with self.assertRaisesRegex(table.BadTable, "line 5"):
                table.read(HEADER + row)


class Model(unittest.TestCase):
    """Responses that botocore itself accepts."""

    def faults(self, service, operation, body, status=200, headers=None):
        client = accounts.Account("ours", "http://127.0.0.1:1", "", [], "").client(service)
        headers = {"x-amzn-requestid": "1", **(headers or {})}
        return model.faults(client, operation, {"status_code": status, "headers": headers, "body": body.encode()})

    def test_json(self):
        def faults(answer):
            return self.faults("ecs", "ListTasks", json.dumps(answer))

        self.assertEqual(faults({"taskArns": ["a"]}), [])
        self.assertEqual(faults({"taskArns": ["a"], "tasks": []}), ["tasks is not in the model"])
        self.assertEqual(faults({"taskArns": [1]}), ["taskArns[] is no string: 1"])
        self.assertEqual(faults({"taskArns": None}), ["taskArns is null"])
        task = {"tasks": [{"createdAt": "2026-11-23T00:00:00Z", "launchType": "FARGET"}]}
        found = self.faults("ecs", "DescribeTasks", json.dumps(task))
        self.assertEqual([fault.split(" is ")[0] for fault in found], ["tasks[].createdAt", "tasks[].launchType"])

    def test_query(self):
        def faults(inner):
            namespace = "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/"
            result = f"<DescribeTargetGroupsResult>{inner}</DescribeTargetGroupsResult>"
            metadata = "<ResponseMetadata><RequestId>1</RequestId></ResponseMetadata>"
            body = (
                f'<DescribeTargetGroupsResponse xmlns="{namespace}">{result}{metadata}</DescribeTargetGroupsResponse>'
            )
            return self.faults("elbv2", "DescribeTargetGroups", body)

        self.assertEqual(faults("<TargetGroups><member><Port>80</Port></member></TargetGroups>"), [])
        self.assertEqual(len(faults("<TargetGroups><item><Port>80</Port></item></TargetGroups>")), 1)
        self.assertEqual(len(faults("<TargetGroups><member><Port>http</Port></member></TargetGroups>")), 1)
        self.assertEqual(len(faults("<TargetGroups><member><Prot>80</Prot></member></TargetGroups>")), 1)

    def test_errors(self):
        def faults(code, status):
            return self.faults("ecs", "ListTasks", json.dumps({"__type": code, "message": "no"}), status)

        self.assertEqual(faults("ClusterNotFoundException", 400), [])
        self.assertIn("HTTP status 400, not 404", faults("ClusterNotFoundException", 404)[0])
        self.assertEqual(faults("ServiceNotActiveException", 400), ["ListTasks has no error ServiceNotActiveException"])
        self.assertEqual(faults("ClusterMissing", 400), ["no error of ecs has the code ClusterMissing"])


class Codes(unittest.TestCase):
    """Sources with three faults; the check finds each of them."""

    LISTS = (
        'const THROTTLING_CODES: [&str; 1] = ["ThrottlingException"];\n'
        'const DENIED_CODES: [&str; 1] = ["AccessDenied"];\n'
        'const CREDENTIAL_CODES: [&str; 1] = ["ExpiredToken"];\n'
        'const ONE_BAD_TARGET: [&str; 1] = ["InvalidTargets"];\n'
    )

    def faults(self, source):
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "failure.rs").write_text(source)
            return codes.faults([folder])

    def test_a_code_that_no_service_has_and_one_that_the_product_does_not_know(self):
        found = self.faults(self.LISTS)
        self.assertIn("the product handles InvalidTargets, which no service has", found)
        self.assertIn("the product treats KMSThrottling of sns as a refusal, not as throttling", found)
        alone = 'match failure.code() { Some("ClusterGoneException") => {} }'
        self.assertIn("the product handles ClusterGoneException, which no service has", self.faults(self.LISTS + alone))

    def test_a_missing_list_is_reported(self):
        with self.assertRaisesRegex(codes.NotThere, "ONE_BAD_TARGET"):
            self.faults(self.LISTS.replace("ONE_BAD_TARGET", "ONE_BAD"))


class Servers(unittest.TestCase):
    def test_a_server_that_does_not_start_reports_why_and_leaves_nothing(self):
        with tempfile.TemporaryDirectory() as folder:
            log = Path(folder) / "it.log"
            command = [sys.executable, "-c", "import sys; sys.exit('the port is taken')"]
            with self.assertRaisesRegex(
                accounts.NotStarted, "it ended at once with exit code 1(.|\n)*the port is taken"
            ):
                with accounts.Server("it", command, {}, log) as server:
                    server.await_answer("http://127.0.0.1:1")
            self.assertIsNotNone(server.process.poll())

    def test_a_server_ends_with_its_block(self):
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "-c", "import sys; sys.stdin.read()"]
            with accounts.Server("it", command, {}, Path(folder) / "it.log") as server:
                self.assertIsNone(server.process.poll())
            self.assertEqual(server.process.returncode, 0)


if __name__ == "__main__":
    unittest.main()
