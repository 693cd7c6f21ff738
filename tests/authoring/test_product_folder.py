"""A product folder: a new one passes, a wrong or hostile one is refused with file, line and remedy."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from casegold.cli.main import casegold, run
from casegold.domain.errors import ConfigurationError, ExitClass
from casegold.runtime.contracts import contracts_of
from casegold.runtime.product_folder import read_products
from casegold.runtime.settings import Settings, load_settings
from platform_assets.build import build_defs
from resources.runs import job_name
from tests.platform.graph import graph

NAME = "overdue_cases"
DATASET = f"reports/{NAME}"
SAMPLE = "samples/2026-02-01"
ROW = "2026-02-01,FRAUD,2,1"


def told(*arguments: str) -> str:
    result = CliRunner().invoke(casegold, ["product", *arguments])
    if result.exception is not None:
        raise result.exception
    return result.output


def refusal(*arguments: str) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as refused:
        told(*arguments)
    assert refused.value.remedy
    return refused.value


def checked() -> ConfigurationError:
    """What `check` says of rules that were changed on purpose."""
    return refusal("check", NAME, "--record")


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CASEGOLD_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CASEGOLD_PRODUCTS_DIR", str(tmp_path / "mine"))
    (tmp_path / "mine").mkdir()
    return tmp_path / "mine"


@pytest.fixture
def folder(directory: Path) -> Path:
    told("new", NAME)
    return directory / NAME


def replaced(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def test_a_new_product_passes_and_tells_what_it_reads(folder: Path) -> None:
    shown = told("check", NAME)
    assert f"{NAME}: {DATASET}, one partition for each month ({folder})" in shown
    assert "reads gold/case_daily_snapshot (daysOfPeriod) as case_daily_snapshot: snapshot_date, case_id" in shown
    assert "sample 2026-02-01: as expected; rows: 1, checks passed: 4" in shown
    assert len([each for each in folder.rglob("*") if each.is_file()]) == 5


def test_every_product_of_ours_passes(directory: Path) -> None:
    assert told("check").count("as expected") == 2
    assert list(directory.iterdir()) == []


@pytest.mark.usefixtures("folder")
def test_asset_checks_and_job_follow_from_the_folder(tmp_path: Path) -> None:
    found = graph(build_defs(load_settings()))
    asset = found["assets"][DATASET]
    assert asset["deps"] == ["gold/case_daily_snapshot"]
    assert asset["checks"]["breached_are_open"] == "partitions, blocking"
    assert job_name(DATASET) in found["jobs"]
    without = graph(build_defs(Settings(home=tmp_path, products_dir=None)))
    assert found["assets"].keys() - without["assets"].keys() == {DATASET}, "ours are untouched"


def test_an_unset_directory_changes_nothing(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    assert {product.name for product in read_products()} == {
        "breach_metrics",
        "case_daily_snapshot",
        "enforcement_report",
    }
    assert len(list(contracts_of(settings))) == 5


@pytest.mark.parametrize("name", ["../mine", "/mine", "Mine", "9lives", "my-product", "", "a" * 51])
def test_a_name_that_cannot_be_makes_no_folder(name: str, directory: Path) -> None:
    assert "cannot name a product" in refusal("new", name).message
    assert list(directory.iterdir()) == []


@pytest.mark.parametrize("name", ["report", "enforcement_report", NAME])
def test_a_name_that_is_taken_makes_no_folder(name: str, folder: Path) -> None:
    assert "is there already" in refusal("new", name).message
    assert list(folder.parent.iterdir()) == [folder]


@pytest.mark.parametrize(
    ("sql", "place", "problem"),
    [
        ("select month,\n overdue from period", "line 2", 'Referenced column "overdue" not found'),
        ("select\n a,, from period", "line 2", "syntax error"),
        ("select * from read_csv('/etc/passwd')", "line 1", "read_csv is not called"),
        ("select\n* from READ_TEXT ('/etc/passwd')", "line 2", "READ_TEXT is not called"),
        ("select * from enable_logging('QueryLog', storage_path='{leak}')", "line 1", "enable_logging is not called"),
        ('select * from "enable_logging"/* /* */ */\n(1)', "line 1", "enable_logging is not called"),
        ("select * from query('select 1')", "line 1", "query is not called"),
        ("select * from arrow_scan(1, 2, 3)", "line 1", "arrow_scan is not called"),
        ("create secret s (type s3); select 1", "line 1", "disabled by configuration"),
        ("select * from '/etc/passwd'", "line 1", "does not exist"),
        ("select * from glob('/*')", "line 1", "glob is not called"),
        ("select * from read_parquet('http://127.0.0.1:1/x')", "line 1", "read_parquet is not called"),
        ("create temp table x as select 1;\ncopy x to '{leak}';\nselect 1", "line 2", "COPY is not run"),
        ("export database '{leak}'; select 1", "line 1", "is not run"),
        ("attach '{leak}' as other; select 1", "line 1", "ATTACH is not run"),
        ("\n\ninstall httpfs; select 1", "line 3", "is not run"),
        ("set enable_external_access = true; select 1", "line 1", "SET is not run"),
        ("select * from inputs", "line 1", "Table with name inputs does not exist"),
        ("select * from duckdb_secrets(", "line 1", "syntax error"),
        ("create temp table x as select 1", "rows.sql", "does not end with a SELECT"),
        ("-- nothing", "rows.sql", "has no statement"),
        ("select month from period", "line 1", "gives no column 'case_type'"),
        (
            "select *, 1 as open_cases, 0 as breached_cases, 'a' as case_type from period",
            "line 1",
            "column 'first_date'",
        ),
        ("select month, 'a' as case_type, 'x' as open_cases, 0 as breached_cases from period", "line 1", "type"),
    ],
)
def test_sql_that_is_wrong_or_reaches_out_is_refused(
    sql: str, place: str, problem: str, folder: Path, tmp_path: Path
) -> None:
    leak = tmp_path / "leak"
    (folder / "rows.sql").write_text(sql.replace("{leak}", str(leak)))
    message = checked().message
    assert message.startswith(str(folder / "rows.sql"))
    assert place in message
    assert problem in message
    assert "\n" not in message
    assert not leak.exists()
    assert list((tmp_path / "home" / "spill").glob("*")) == [], "nothing is left of the files that it may spill to"


@pytest.mark.parametrize("column", ["cast(now() as varchar)", "cast(random() as varchar)", "first(case_id)"])
def test_rules_that_cannot_be_run_again_are_refused(column: str, folder: Path) -> None:
    made = f"select month, {column} as case_type, 1::bigint as open_cases, 0::bigint as breached_cases"
    (folder / "rows.sql").write_text(f"{made} from case_daily_snapshot cross join period group by month")
    assert "other rows each time" in checked().message


@pytest.mark.parametrize(
    ("file", "old", "new", "place", "problem"),
    [
        ("product.yaml", "[rows.sql]", "[../rows.sql]", "line 2", "'../rows.sql' cannot be a file of the folder"),
        ("product.yaml", "[rows.sql]", "[other.sql]", "line 2", "there is no file other.sql"),
        ("product.yaml", "sum: open_cases", "sum: opn", "line 7", "'opn' is no numeric column"),
        ("product.yaml", "words:", "wrods:", "line 10", "unknown field 'wrods'"),
        ("product.yaml", "  steps: [rows.sql]\n", "", "line 1", "'rules.steps' is missing"),
        ("contract.yaml", f"datasetId\n    value: {DATASET}", "datasetId\n    value: reports/x", "", "in the folder"),
        ("contract.yaml", f"transform\n    value: {NAME}", "transform\n    value: report", "", "transform is 'report'"),
        ("contract.yaml", "value: month", "value: week", "", "'week' is unknown"),
        ("contract.yaml", "name: schema", "name: scheme", "", "the required check 'schema' is missing"),
        ("contract.yaml", "mustBe: 0", "mustBe: none", "line 74", "'none' is not a number"),
        ("contract.yaml", "        mustBe: 0\n", "", "line 71", "does not state one comparison"),
        ("contract.yaml", "from ${table}", "from x", "", "does not read ${table}"),
        ("contract.yaml", "type: sql", "type: text", "", "'text' is not supported here"),
        (f"{SAMPLE}/expected.csv", ROW, "2026-02-01,FRAUD,3,1", "", "1 rows differ; first 2026-02-01, FRAUD"),
        (f"{SAMPLE}/expected.csv", "open_cases", "opened", "line 1", "the column 'opened' is unknown"),
        (f"{SAMPLE}/case_daily_snapshot.csv", ",case_type", ",kind", "line 1", "the column 'kind' is unknown"),
        (f"{SAMPLE}/case_daily_snapshot.csv", "true", "perhaps", "", "perhaps"),
    ],
)
def test_a_wrong_file_is_refused_with_its_place(
    file: str, old: str, new: str, place: str, problem: str, folder: Path
) -> None:
    replaced(folder / file, old, new)
    message = refusal("check", NAME).message
    assert message.startswith(str(folder / file))
    assert place in message
    assert problem in message


@pytest.mark.parametrize("file", ["contract.yaml", "product.yaml", f"{SAMPLE}/expected.csv"])
def test_a_missing_file_is_named(file: str, folder: Path) -> None:
    (folder / file).unlink()
    assert f"{folder / file} is missing" in refusal("check", NAME).message


def test_a_file_that_is_no_yaml_is_told_in_one_line(folder: Path) -> None:
    (folder / "contract.yaml").write_text("apiVersion: v3.1.0\nschema: [\n")
    message = refusal("check", NAME).message
    assert message.startswith(f"{folder / 'contract.yaml'}, line 3: is not valid YAML: ")
    assert "\n" not in message


@pytest.mark.parametrize(
    "arguments", [["settings"], ["settings", "--format", "json"], ["product", "check"], ["status"]]
)
def test_a_folder_that_cannot_be_read_is_told_by_every_look_at_the_installation(
    arguments: list[str], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Other commands refuse with the same: a product that is left out silently is one that is missed."""
    (folder / "rows.sql").unlink()
    expected = ExitClass.SOURCE_UNAVAILABLE if arguments == ["status"] else ExitClass.CONFIGURATION
    assert run(arguments) == expected, "no server runs here"
    out, err = capsys.readouterr()
    assert f"{folder}/product.yaml, line 2: rules.steps[0]: there is no file rows.sql" in err
    assert "-> add it, or correct the name" in err
    assert ("CASEGOLD_PRODUCTS_DIR" in out) is (arguments[0] == "settings"), "what can be told is told"


def test_an_installation_whose_products_cannot_be_read_is_stopped_all_the_same(folder: Path) -> None:
    (folder / "product.yaml").unlink()
    assert run(["down"]) == ExitClass.SUCCESS


def test_a_code_location_says_which_folder_cannot_be_read(folder: Path) -> None:
    (folder / "product.yaml").unlink()
    with pytest.raises(ConfigurationError, match=f"{folder}/product.yaml is missing"):
        build_defs(load_settings())


def test_every_folder_that_cannot_be_read_is_named(folder: Path) -> None:
    for name in ("second", "third"):
        told("new", name)
    (folder / "product.yaml").unlink()
    (folder.parent / "third" / "contract.yaml").unlink()
    refused = refusal("check", "second")
    assert refused.message.endswith("product.yaml is missing (other products that cannot be read: third)")
    assert "`casegold product check third`" in refused.remedy


def test_a_product_without_a_sample_is_refused(folder: Path) -> None:
    shutil.rmtree(folder / "samples")
    assert "there is no sample" in refusal("check", NAME).message


def test_rows_that_the_gate_refuses_are_refused(folder: Path) -> None:
    replaced(folder / "contract.yaml", "breached_cases > open_cases", "breached_cases > 0")
    message = refusal("check", NAME).message
    assert "the gate refuses the rows: breached_are_open" in message


def test_changed_rules_have_to_be_recorded(folder: Path) -> None:
    replaced(folder / "rows.sql", "count(*) as open_cases", "count(*) + 0 as open_cases")
    assert "the rules are not those of version 1" in refusal("check", NAME).message
    assert "as expected" in told("check", NAME, "--record")
    assert "as expected" in told("check", NAME)


def test_the_next_version_is_recorded_by_the_line_that_check_tells(folder: Path) -> None:
    replaced(folder / "rows.sql", "count(*) as open_cases", "count(*) + 0 as open_cases")
    told_line = re.search(r'else add `(2: "[0-9a-f]{64}")` to product.yaml', str(refusal("check", NAME).remedy))
    assert told_line is not None
    file = folder / "product.yaml"
    file.write_text(re.sub(r'( +)1: "[0-9a-f]{64}"\n', rf"\g<0>\g<1>{told_line[1]}\n", file.read_text()))
    assert f"{NAME}-2+" in told("check", NAME)


def test_python_of_somebody_else_does_not_run(folder: Path) -> None:
    (folder / "custom.py").write_text("raise SystemExit('ran')")
    assert "has Python, custom.py" in refusal("check", NAME).message


def test_two_products_of_one_name_are_refused(folder: Path) -> None:
    there = folder.parent / "breach_metrics"
    shutil.copytree(folder, there)
    for file in ("contract.yaml", "product.yaml"):
        (there / file).write_text((there / file).read_text().replace(NAME, "breach_metrics"))
    message = refusal("check").message
    assert "another product 'breach_metrics'" in message
    assert str(there) in message


def test_a_directory_that_is_none_is_refused(directory: Path) -> None:
    directory.rmdir()
    assert "is no directory" in refusal("check").message


@pytest.fixture
def compared(folder: Path) -> Path:
    """A product of two inputs: the month before stands beside the month."""
    own = "      - { dataset: gold/case_daily_snapshot, mapping: daysOfPeriod }\n"
    replaced(folder / "contract.yaml", own, own + own.replace("daysOfPeriod", "dayBeforePeriod"))
    replaced(folder / "rows.sql", "count(*) as open_cases", f"count(*) + ({BEFORE}) as open_cases")
    return folder


BEFORE = "select count(*) from case_daily_snapshot_before"


def test_a_product_reads_every_input_of_its_own(compared: Path) -> None:
    before = "snapshot_date,case_id\n" + "2026-01-31,C-1\n" * 5
    (compared / SAMPLE / "case_daily_snapshot_before.csv").write_text(before)
    replaced(compared / f"{SAMPLE}/expected.csv", ROW, "2026-02-01,FRAUD,7,1")
    assert "case_daily_snapshot_before: snapshot_date" in told("check", NAME, "--record")


def test_an_input_without_rows_is_one(compared: Path) -> None:
    assert "as expected" in told("check", NAME, "--record"), "no day before, as at the register's first day"
    (compared / SAMPLE / "case_daily_snapshot_before.csv").write_text("snapshot_date,case_id\n")
    assert "as expected" in told("check", NAME), "a header alone"


def test_an_empty_text_of_a_sample_is_written_with_quotes(folder: Path) -> None:
    replaced(folder / f"{SAMPLE}/case_daily_snapshot.csv", "2026-02-28,C-2,FRAUD", '2026-02-28,C-2,""')
    assert (
        'first 2026-02-01, "": computed month 2026-02-01, case_type "", open_cases 1' in refusal("check", NAME).message
    )
    replaced(folder / f"{SAMPLE}/expected.csv", ROW, '2026-02-01,"",1,0\n2026-02-01,FRAUD,1,1')
    assert "rows: 2" in told("check", NAME)
