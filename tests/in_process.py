"""Work in the process of the test: starting others takes longer than what toys need of them."""

import pytest


def map_pieces(function, pieces, *, on_report=lambda number, message: None, **settings):
    """Do what dispatch.map_pieces does without worker processes, where patches hold too."""
    del settings
    return [
        function(piece, lambda message, number=number: on_report(number, message))
        for number, piece in enumerate(pieces)
    ]


def patch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let stages run on the CPU in this process."""
    monkeypatch.setenv("SUBSET_DEVICE", "cpu")
    monkeypatch.setattr("stages.shared.running.dispatch.map_pieces", map_pieces)


def patch_drawing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the report write no pictures, and a page without the drawings of its charts."""
    patch_charts(monkeypatch)
    monkeypatch.setattr("stages.report.__main__.save_pictures", lambda *_: None)


def patch_charts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the report draw galleries alone, and none of its tables."""
    from stages.report.pictures.svg import Chart

    drawn = Chart("A title", "A note.", "<svg></svg>")
    for name in ("drawn", "intervals", "save", "scores"):
        monkeypatch.setattr(f"stages.report.pictures.charts.{name}", lambda *_: "figure")
    monkeypatch.setattr("stages.report.page.document.chart", lambda figure, key: drawn)
