"""Signal frames of the guest's own making."""
import os
import signal
import subprocess

import harness
from lab import Attack, ended, effect_in, unharmed


def attacks(lab):
    def guest(*words, **options):
        return unharmed(lab.guest(*words, **options))

    def compat(run):
        path = os.path.join(lab.fresh("made"), "made")
        outcome = run("frame-compat", path)
        return os.path.exists(path), "made a file" if os.path.exists(path) else ended(outcome)

    def survives(command, shell_signal):
        """A process that spins with every signal blocked: does it outlive this signal?"""
        process = harness.start(command, stdout=subprocess.PIPE,
                                preexec_fn=harness.without_address_randomisation)
        try:
            harness.check(process.stdout.readline() == b"masked\n", "the attacker does not start")
            below = harness.descendants(process.pid)
            process.send_signal(shell_signal)
            survivors = harness.wait_gone([process.pid, *below], 5 if shell_signal == signal.SIGKILL else 0.3)
            return bool(survivors), "lives on" if survivors else "all gone"
        finally:
            process.kill()
            harness.finish(process)

    def ends(name, status):
        """An attack whose success would be a hang or a dead supervisor: it must end as Linux would end it, or be killed
        for a frame that is out of place."""

        def attempt(run):
            outcome = run(name)
            harness.check(outcome.status in (status, 128 + signal.SIGKILL), f"ends otherwise\n{outcome}")
            return False, ended(outcome)

        def control():
            outcome = lab.native(name)
            return outcome.status in (status, 128 - status), f"the frame takes effect: {ended(outcome)}"

        return Attack(name, lambda: attempt(guest), control)

    def privileged():
        outcome = lab.native("frame-privilege")
        return outcome.status == -signal.SIGSEGV, "Linux refuses it as well"

    return [
        Attack("frame-compat", lambda: compat(guest), lambda: compat(lab.native)),
        Attack("frame-masked: outlive the supervisor",
               lambda: survives([lab.halfcell, "run", lab.attack, "frame-masked"], signal.SIGKILL),
               lambda: survives([lab.attack, "frame-masked"], signal.SIGTERM)),
        ends("frame-masked-end", 7),
        ends("frame-masked-fault", 128 + signal.SIGSEGV),
        ends("frame-moved-stack", 128 + signal.SIGSEGV),
        ends("frame-trap-flag", 128 + signal.SIGTRAP),
        ends("frame-wild-stack", 128 + signal.SIGBUS),
        ends("frame-wild-code", 128 + signal.SIGSEGV),
        ends("frame-wild-segments", 128 + signal.SIGSEGV),
        ends("frame-unmapped", 128 + signal.SIGSEGV),
        Attack("frame-privilege", lambda: effect_in(guest("frame-privilege")), privileged),
    ]
