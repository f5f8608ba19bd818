import time

from rich.console import Console

from app.kit.progress import bar


def test_a_slow_piece_of_work_shows_its_bar_and_a_quick_one_does_not() -> None:
    console = Console(force_terminal=True, width=80)
    with console.capture() as quick, bar(console) as report:
        report(1, 2, "read")
    assert quick.get() == ""
    with console.capture() as slow, bar(console, {"read": "đọc tệp"}, after_s=0.05) as report:
        report(0, 2, "read")
        time.sleep(0.1)
        report(1, 2, "read")
    assert "đọc tệp" in slow.get()
