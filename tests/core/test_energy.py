from fournil.core.energy import Meter, peak_memory_bytes


def package(folder, microjoules):
    folder.mkdir(exist_ok=True)
    (folder / "energy_uj").write_text(str(microjoules))
    (folder / "max_energy_range_uj").write_text("1000000000")


def test_counters_are_read_and_may_wrap(tmp_path):
    zone = tmp_path / "intel-rapl:0"
    package(zone, 999_000_000)
    meter = Meter(tmp_path)
    package(zone, 35_000_000)
    energy = meter.stop()
    assert energy.method.startswith("measured: RAPL")
    assert abs(energy.kwh - 36 / 3.6e6) < 1e-9


def test_without_counters_it_is_an_estimate_and_says_so(tmp_path):
    meter = Meter(tmp_path)
    sum(i * i for i in range(2_000_000))
    energy = meter.stop()
    assert energy.method.startswith("estimated: 12 W per busy core")
    assert energy.kwh > 0


def test_memory_has_a_peak():
    assert peak_memory_bytes() > 10 * 2**20
