"""Writes the sample data of the recruiting pack: `python -m tests.packs.make_recruiting_sample`."""

from __future__ import annotations

from pathlib import Path

from tests.packs.recruiting_sample import companies, daily, jobs, new_business, persons, placements, processes, profiles
from tests.packs.recruiting_sample.jobs import Plan
from tests.packs.recruiting_sample.world import Job, World

FOLDER = Path(__file__).parents[2] / "module_packs" / "recruiting" / "sample_data"
SUBMISSIONS = 1500
RUNNING = {"intake": (0, 2), "sourcing": (5, 9), "submitting": (7, 9), "interviewing": (8, 10), "offer": (7, 9)}
LOSERS = {"intake": (0, 0), "sourcing": (1, 3), "submitting": (3, 5), "interviewing": (5, 8), "offer": (6, 9)}
FIRST_STEPS = {
    "submitting": ("submitted", "client_review"),
    "interviewing": ("interviewing", "interviewing", "client_review"),
    "offer": ("offer", "interviewing"),
}


def make(seed: int = 20) -> dict[str, str]:
    """All files by name."""
    world = World(seed)
    people = persons.Persons(world)
    companies.make_house(world)
    companies.make_clients(world, people)
    persons.make_candidates(world, people)
    _make_searches(world)
    new_business.make_opportunities(world)
    placements.settle(world)
    profiles.arrive(world)
    daily.make_tasks(world)
    daily.make_surveys(world)
    daily.make_activities(world)
    profiles.write_candidates(world, people)
    return world.files()


def _make_searches(world: World) -> None:
    plans = jobs.plan_jobs(world)
    pairs = [(plan, jobs.make_job(world, plan)) for plan in plans]
    extras = {"fell_through": 6, "cancelled": 2}
    for plan, job in pairs:
        for accepted in plan.accepted:
            if placements.place(world, job, accepted) is None:
                raise SystemExit(f"nobody is free for {job.key}")
        stage = next((stage for stage, count in extras.items() if count), None)
        if stage and plan.stage == "placed" and world.maybe(0.3) and placements.fall_through(world, job, plan, stage):
            extras[stage] -= 1
    for plan, job in pairs:
        if job.ended is None:
            _fill_open(world, plan, job)
    over = [job for _, job in pairs if job.ended is not None]
    # Four replacements still come, each with a process of its own.
    missing = SUBMISSIONS - 4 - len(world.rows("submissions"))
    while missing > 0:
        for job in over:
            if missing > 0 and _one_loser(world, job):
                missing -= 1


def _fill_open(world: World, plan: Plan, job: Job) -> None:
    count = world.between(*RUNNING[plan.stage])
    steps = list(FIRST_STEPS.get(plan.stage, ())) if count else []
    steps += [world.weighted(processes.OPEN_STEPS[plan.stage]) for _ in range(count - len(steps))]
    for step in steps:
        found = [c for c in processes.contenders(world, job, 40) if c.key not in job.contenders]
        if found:
            job.contenders.append(found[0].key)
            processes.add_running(world, job, found[0], step)
    for _ in range(world.between(*LOSERS[plan.stage])):
        _one_loser(world, job)


def _one_loser(world: World, job: Job) -> bool:
    found = [c for c in processes.contenders(world, job, 60) if c.key not in job.contenders]
    if not found:
        return False
    job.contenders.append(found[0].key)
    processes.add_loser(world, job, found[0])
    return True


def main() -> None:
    """Replaces the files in the pack."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    files = make()
    for old in FOLDER.glob("*.csv"):
        old.unlink()
    for name, text in files.items():
        (FOLDER / name).write_text(text, encoding="utf-8", newline="")


if __name__ == "__main__":
    main()
