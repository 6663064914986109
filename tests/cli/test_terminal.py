"""What is printed is the text as it is, whatever rich would make of it."""

from hypothesis import example, given
from hypothesis import strategies as st

from ademan.cli.terminal import err, out, plain, print_table, warn

printable = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=30)
tricky = st.lists(st.sampled_from(["[", "]", "/", "\\", "b", "@", "#", ":", "wave", "none", "="]), max_size=9).map(
    "".join
)
texts = printable | tricky.filter(bool)


@example("\\[/b]", "[/]")
@example(":wave:", "[:wave:]")
@example("[b", "]")
@example("\\", "[red]")
@example("[link=x", "](")
@given(texts, texts)
def test_a_line_holds_texts_as_they_are(first: str, second: str) -> None:
    with out.capture() as captured:
        out.print(f"[green]{plain(first)}[/green]{plain(second)}  [bold]({plain(first)}[/bold])")
    assert captured.get() == f"{first}{second}  ({first})\n"


@example("\\[/b]")
@example(":wave:")
@given(texts)
def test_a_table_holds_texts_as_they_are(text: str) -> None:
    with out.capture() as captured:
        print_table((plain(text), "clips"), [(text, 1), ("x", text)])
    column, first, second = captured.get().splitlines()
    assert column.startswith(text)
    assert first.startswith(text)
    assert second.rstrip().endswith(text)


@example("\\[/b]")
@example(":wave:")
@given(texts)
def test_a_note_holds_the_text_as_it_is(text: str) -> None:
    with err.capture() as captured:
        warn(text)
    assert captured.get() == f"note: {text}\n"
