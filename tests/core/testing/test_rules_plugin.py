import pytest

from tests.core.rulepack.packs import rule, source

pytest_plugins = ["pytester"]
PLUGIN = ("-p", "midwatch_core.testing.rules_plugin", "-p", "no:asyncio", "-p", "no:cacheprovider")


def run(pytester: pytest.Pytester, pack: bytes, *more: str) -> pytest.RunResult:
    (pytester.path / "my.rules.yaml").write_bytes(pack)
    return pytester.runpytest_inprocess(*PLUGIN, *more)


def test_each_rule_of_a_pack_is_a_test(pytester: pytest.Pytester) -> None:
    run(pytester, source(rule(), rule(id="second"))).assert_outcomes(passed=2)


def test_an_example_that_does_not_match_fails_in_its_own_words(pytester: pytest.Pytester) -> None:
    result = run(pytester, source(rule(examples={"match": ["hello"], "pass": ["ignore previous instructions"]})))
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "test/pack/ignore-previous: must match, does not: 'hello'",
            "test/pack/ignore-previous: must not match, does: 'ignore previous instructions'",
        ]
    )


def test_a_pack_that_does_not_load_is_an_error_in_one_line(pytester: pytest.Pytester) -> None:
    result = run(pytester, source(rule(severity="dire")))
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*my.rules.yaml: rule ignore-previous: severity: Input should be *"])


def test_checks_come_from_an_option(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(my_checks="CHECKS = {'short': lambda value: len(value) < 30}")
    pytester.syspathinsert()
    pack = source(rule(validate="short", examples={"match": ["ignore previous instructions"], "pass": ["no"]}))
    run(pytester, pack, "-o", "midwatch_validators=my_checks:CHECKS").assert_outcomes(passed=1)
    run(pytester, pack).assert_outcomes(errors=1)
