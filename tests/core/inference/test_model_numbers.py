"""How models do, as metrics: what plugins declare twice is one, and gauges say how it is now."""

from midwatch_core import MODEL_METRICS, Metrics, ModelCard, ModelNumbers, ModelState

CARD = ModelCard(name="m", backend="onnx", revision="r1", checksum="abc", labels=())


def values(metrics: Metrics, name: str) -> dict[tuple[str, ...], tuple[float, ...]]:
    return {sample.labels: sample.values for sample in metrics.samples([name])}


def test_two_plugins_may_declare_them() -> None:
    metrics = Metrics()
    metrics.declare(MODEL_METRICS)
    ModelNumbers(metrics)
    ModelNumbers(metrics).scored("m", 0.5)
    assert sum(values(metrics, "midwatch_model_score")[("m",)][:-1]) == 1


def test_without_a_registry_they_count_for_nobody() -> None:
    ModelNumbers(None).drift("m", 0.1)


def test_a_process_stands_in_one_way() -> None:
    metrics = Metrics()
    numbers = ModelNumbers(metrics)
    for state in (ModelState.LOADING, ModelState.READY, ModelState.READY):
        numbers.stands("m", state)
    assert values(metrics, "midwatch_model_processes") == {("m", "loading"): (0.0,), ("m", "ready"): (1.0,)}


def test_what_is_loaded_no_more_is_none() -> None:
    metrics = Metrics()
    numbers = ModelNumbers(metrics)
    numbers.loaded("m", CARD)
    assert values(metrics, "midwatch_model_info") == {("m", "onnx", "r1", "abc"): (1.0,)}
    numbers.loaded("m", CARD, now=False)
    assert values(metrics, "midwatch_model_info") == {("m", "onnx", "r1", "abc"): (0.0,)}


def test_a_batch_counts_for_each_of_its_texts() -> None:
    metrics = Metrics()
    ModelNumbers(metrics).ran("m", 4, 2.0)
    cells = values(metrics, "midwatch_model_seconds")[("m",)]
    assert (sum(cells[:-1]), cells[-1]) == (4, 2.0)
    assert values(metrics, "midwatch_model_batch_texts")[("m",)][-1] == 4


def test_a_shadow_model_agrees_or_does_not() -> None:
    metrics = Metrics()
    numbers = ModelNumbers(metrics)
    for shadow, acting in ((True, True), (True, False), (False, True), (False, False), (False, False)):
        numbers.shadow("m", shadow=shadow, acting=acting)
    assert values(metrics, "midwatch_model_shadow_total") == {
        ("m", "both"): (1.0,),
        ("m", "only_shadow"): (1.0,),
        ("m", "only_acting"): (1.0,),
        ("m", "neither"): (2.0,),
    }
