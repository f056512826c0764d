"""What a notebook shows of a handle on the gate."""

from __future__ import annotations

from sim2live import Instrument, connect
from sim2live.clock import NS


def test_a_dispatcher_shows_its_pool_and_its_counts() -> None:
    instrument = Instrument("CME", "MESZ6")
    with connect("record", strategy="<b>mine</b>", run="shown") as dispatcher:
        assert "no decision yet" in dispatcher._repr_html_()
        dispatcher.follow(instrument, 2, data="MES", nth=0, decided_at=NS)
        shown = dispatcher._repr_html_()
    assert "1 ACCEPTED" in shown
    assert "<td>CME:MESZ6</td><td>+2</td><td>+2</td><td></td><td>ACTIVE</td>" in shown


def test_names_are_text_and_never_markup() -> None:
    with connect("record", strategy="<b>mine</b>", workflow="<i>x</i>") as dispatcher:
        dispatcher.follow(Instrument("CME", "MESZ6"), 1, data="MES", nth=0, decided_at=NS)
        dispatcher.halt("<script>alert(1)</script>")
        shown = dispatcher._repr_html_()
    assert "<b>" not in shown
    assert "<i>" not in shown
    assert "<script>" not in shown
    assert "HALTED (&lt;script&gt;alert(1)&lt;/script&gt;)" in shown
