"""Memory that is not the guest's."""
import os

import harness
from lab import Attack, effect_in, ended, unharmed

_STUB_CODE = 0x7FFF_E000_0000
_STUB_TABLE = 0x7FFF_E001_0000
_COMMANDS = 0x7FFF_E004_0000
_AREAS = 0x7FFF_E100_0000
_RESERVED_END = 0x7FFF_F000_0000
_FREE = 0x6FFF_0000_0000


def attacks(lab):
    def guest(*words, **options):
        return unharmed(lab.guest(*words, **options))

    def stores(name, address):
        def attempt():
            outcome = guest("store", hex(address))
            harness.check("storing" in outcome.text, f"never tried\n{outcome}")
            return effect_in(outcome)

        return Attack(f"store to {name}", attempt, lambda: effect_in(lab.native("store", hex(address))))

    def stores_by_calls(name, address):
        return Attack(f"let calls store to {name}", lambda: effect_in(guest("store-by-calls", hex(address))),
                      lambda: effect_in(lab.native("store-by-calls", hex(address))))

    def replaces(name, address, size=4096):
        def attempt():
            outcome = guest("replace-mapping", hex(address), size)
            harness.check("the stub works\n" in outcome.text, f"the guest cannot be parked any more\n{outcome}")
            return effect_in(outcome)

        return Attack(f"map over {name}", attempt,
                      lambda: effect_in(guest("replace-mapping", hex(_FREE), size)))

    megabytes = 1 << 20

    def hoards(limit):
        before = available()
        outcome = guest("hoard", 256 * megabytes, megabytes, options=[f"--memory-limit={limit}"])
        harness.check(outcome.status == 0, f"the guest did not get an errno\n{outcome}")
        succeeded, text = effect_in(outcome)
        if not succeeded:
            harness.check("then: error 12" in outcome.text, f"not ENOMEM\n{outcome}")
            text = "ENOMEM after " + outcome.text.split("held: ")[1].split()[0]
        harness.check(before - available() < 512 * megabytes, "the host lost its memory")
        return succeeded, text

    def available():
        with open("/proc/meminfo") as file:
            for line in file:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
        return 0

    def absurd():
        outcome = guest("map-absurd")
        harness.check(outcome.status == 0, f"the guest did not live on\n{outcome}")
        return False, "errors, and one page afterwards"

    def loses(shorten):
        path = os.path.join(lab.fresh("mapped"), "file")
        with open(path, "wb") as file:
            file.write(bytes(16384))
        outcome = guest("lose-pages", "/b/file", options=["--bind", f"{os.path.dirname(path)}:/b"])
        harness.check(outcome.status in (0, 128 + 7, 128 + 11), f"ends otherwise\n{outcome}")
        if "fmap: error" not in outcome.text:
            harness.check("the calls came back\n" in outcome.text, f"a call did not come back\n{outcome}")
        if not shorten:
            return "ftruncate: 0" in outcome.text, "the pages are gone"
        return False, ended(outcome)

    return [
        stores("the stub's code", _STUB_CODE),
        stores("the stub's table", _STUB_TABLE),
        stores("the command page", _COMMANDS),
        stores("the command page's end", _COMMANDS + 0xFF8),
        stores_by_calls("the stub's code", _STUB_CODE),
        stores_by_calls("the stub's table", _STUB_TABLE),
        stores_by_calls("the command page", _COMMANDS),
        replaces("the stub's code", _STUB_CODE),
        replaces("the command page", _COMMANDS),
        replaces("a thread's area", _AREAS),
        replaces("all of the stub", _STUB_CODE, _RESERVED_END - _STUB_CODE),
        replaces("the stub from below", _STUB_CODE - 4096, 3 * 4096),
        replaces("the stub from above", _RESERVED_END - 4096, 2 * 4096),
        Attack("take more than --memory-limit", lambda: hoards("64M"), lambda: hoards("512M")),
        Attack("calls on pages a file has lost", lambda: loses(True), lambda: loses(False)),
        Attack("absurd sizes", absurd, lambda: effect_in(guest("hoard", megabytes, 4096))),
    ]
