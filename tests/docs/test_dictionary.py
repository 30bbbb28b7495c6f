"""The data dictionary in docs/ is what the contracts say today."""

from pathlib import Path

from pipelines.warehouse import dictionary


def test_the_data_dictionary_is_generated_from_the_contracts() -> None:
    written = (Path(__file__).parents[2] / "docs" / "data-dictionary.md").read_text()
    assert written == dictionary.markdown(), "run `make docs`"
