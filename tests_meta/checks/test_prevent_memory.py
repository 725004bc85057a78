"""The judges of memory limits."""

from __future__ import annotations

from service_down.checks.judges.set_up import Instance
from service_down.checks.test_prevent_memory import judge_limit, judge_maxmemory, redis_services
from service_down.fixtures.probes.prevent import Peak
from service_down.fixtures.probes.redis import TABLE, RedisSettings
from service_down.fixtures.settings.schema import Settings
from service_down.fixtures.stack.model import Model, Service
from service_down.tests_meta.checks.test_prevent import codes

MIB = 2**20
WEB = Service("web")


def limited(limit_mib: int | None) -> list[Instance]:
    return [Instance("web-1", memory_limit_bytes=None if limit_mib is None else limit_mib * MIB)]


def test_no_limit_is_told_with_a_limit_above_the_peak() -> None:
    (finding,) = judge_limit(WEB, limited(0), [Peak("web-1", 100 * MIB)])
    assert codes([finding]) == ["memory-limit-missing"]
    assert finding.remedy == "mem_limit: 192m"
    assert finding.summary.endswith("; it has used 100 MiB at most")


def test_no_limit_is_told_without_a_figure_where_the_peak_is_not_known() -> None:
    for peaks in ([], [Peak("web-1", None)], [Peak("other", 100 * MIB)]):
        (finding,) = judge_limit(WEB, limited(0), peaks)
        assert codes([finding]) == ["memory-limit-missing"]
        assert finding.remedy == "mem_limit: VALUE, half as much again as it uses at its peak"
        assert "used" not in finding.summary


def test_a_limit_that_the_peak_has_reached_is_told() -> None:
    (finding,) = judge_limit(WEB, limited(100), [Peak("web-1", 95 * MIB)])
    assert codes([finding]) == ["memory-limit-reached"]
    assert finding.summary == "web has used 95 MiB of memory, and its limit is 100 MiB (web-1)"
    assert finding.remedy == "mem_limit: 192m"


def test_a_limit_above_the_peak_and_an_unknown_one_are_not_told() -> None:
    assert judge_limit(WEB, limited(100), [Peak("web-1", 94 * MIB)]) == []
    assert judge_limit(WEB, limited(100), []) == []
    assert judge_limit(WEB, limited(None), [Peak("web-1", 94 * MIB)]) == []


def test_a_limit_that_the_data_of_a_redis_may_fill_is_told() -> None:
    (finding,) = judge_maxmemory(Service("redis"), limited(128), 128 * MIB)
    assert codes([finding]) == ["memory-limit-maxmemory"]
    assert str(finding.remedy).startswith("mem_limit: 192m, or a lower maxmemory")


def test_a_limit_above_maxmemory_and_what_is_not_known_are_not_told() -> None:
    assert judge_maxmemory(Service("redis"), limited(128), 127 * MIB) == []
    assert judge_maxmemory(Service("redis"), limited(0), 128 * MIB) == []
    assert judge_maxmemory(Service("redis"), limited(128), 0) == []
    assert judge_maxmemory(Service("redis"), limited(128), None) == []


def test_each_redis_of_the_settings_is_a_target() -> None:
    settings = Settings().with_entries(TABLE, main=RedisSettings(service="cache"))
    model = Model((Service("cache"), Service("web")), "compose")
    assert [target.id for target in redis_services(settings, model)] == ["cache"]
