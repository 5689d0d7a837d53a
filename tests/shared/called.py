"""What tests let other processes call: each of them imports this file, and so little else."""

import os
import signal
import time

from stages.shared.errors import TrainingError
from stages.shared.running import processes


def kill_itself(*_):
    os.kill(os.getpid(), signal.SIGKILL)


def report_twice(number):
    processes.report(number)
    processes.report(number + 1)
    return -number


def raise_what_cannot_be_written():
    raise ValueError(lambda: None)


class OfTwoError(Exception):
    """Python writes it, and cannot read it again."""

    def __init__(self, one, two):
        super().__init__(f"{one} and {two}")


def raise_what_cannot_be_read():
    raise OfTwoError(1, 2)


class Unreadable:
    def __reduce__(self):
        return int, ("no number",)


# --- pieces of work -------------------------------------------------------------------------------


def add_one(piece, report):
    report(f"adding to {piece}")
    return piece + 1


def fail_at_two(piece, report):
    """Fail at piece 2; the others are under way until somebody has noticed."""
    number, noticed = piece
    if number == 2:
        raise TrainingError("two")
    while not noticed.exists():
        time.sleep(0.01)
    report("kept")


def fail_first_beside_a_talker(piece, report):
    if piece == 0:
        raise TrainingError("member 0: the loss is nan")
    for _ in range(5000):  # far more than a pipe holds unread
        report("x" * 100)


def train_and_die_at_two(job, report):
    """Train a member; the first worker that comes to epoch 2 is killed, by a mark on the disk."""
    from stages.shared.members import members
    from stages.shared.running import resume_folder

    mark = resume_folder.folder() / "killed"

    def die(message):
        report(message)
        if message and message[0].epoch == 2 and not mark.exists():
            mark.touch()
            kill_itself()

    return members.train_once(job, die)


# --- decoding -------------------------------------------------------------------------------------

begun = []  # jobs, in a process that decodes


def decode_slowly():
    from stages.shared.samples import decoding_ahead

    def decode(images_BHWK, job):
        begun.append(job)
        time.sleep(0.2)
        return []

    decoding_ahead._decode_into = decode


def num_begun():
    return len(begun)
