"""How long what a release replaced is kept ready."""

from __future__ import annotations

from hrx.kit.settings import Settings, setting


class ReleasingSettings(Settings):
    """The way back after a release on this machine."""

    warm_window_s: float = setting(
        1800.0,
        ja="切り替えのあと、前の版を動かしたまま残す時間。過ぎると止めてメモリーを返す"
        "(戻すときは起動してから)。0 なら止めない",
        en="How long after a switch the version before stays running. Then it is stopped and gives its "
        "memory back; the way back starts it first. 0: it is never stopped",
        unit="s",
        ge=0,
        le=604_800,
    )
