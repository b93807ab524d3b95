import pytest

from fournil import baking


@pytest.fixture
def environment(monkeypatch):
    monkeypatch.setenv("OMP_WAIT_POLICY", "x")
    monkeypatch.delenv("OMP_WAIT_POLICY")
    return monkeypatch


@pytest.mark.parametrize(("running", "sleep"), [("1/200", False), ("2/200", True), ("nonsense", False)])
def test_threads_sleep_only_beside_another_program(tmp_path, environment, running, sleep):
    path = tmp_path / "loadavg"
    path.write_text(f"2.00 2.00 2.00 {running} 4711\n")
    assert baking.spare_other_programs(path) is sleep
    assert (baking.os.environ.get("OMP_WAIT_POLICY") == "passive") is sleep


def test_without_proc_nothing_is_changed(tmp_path, environment):
    assert baking.spare_other_programs(tmp_path / "none") is False
    assert "OMP_WAIT_POLICY" not in baking.os.environ


def test_what_somebody_chose_stays(tmp_path, environment):
    environment.setenv("OMP_WAIT_POLICY", "active")
    path = tmp_path / "loadavg"
    path.write_text("2.00 2.00 2.00 3/200 4711\n")
    baking.spare_other_programs(path)
    assert baking.os.environ["OMP_WAIT_POLICY"] == "active"
