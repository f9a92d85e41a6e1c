"""Who may judge, lead and unblock. Each question answers None or a Refusal."""

import datetime as dt

from annotation import querysets
from annotation.models import (
    Campaign,
    CampaignStatus,
    Course,
    Escalation,
    Flag,
    Judgment,
    LessonKind,
    Pause,
    Sitting,
    Task,
)
from evaltrack.accounts import grants, skills
from evaltrack.accounts.models import User
from evaltrack.accounts.roles import Permission
from evaltrack.errors import Refusal
from evaltrack.notifications import outbox
from experiments import proxies
from experiments.models import ExperimentStatus


def claiming(by: User) -> Refusal | None:
    if by.is_machine:
        return Refusal("not_qualified", "The queue is for people; what a program judges is never evidence.")
    if refusal := judging(by):
        return refusal
    if not grants.has_accepted_agreement(by):
        return Refusal("agreement_unsigned", "Sign the confidentiality agreement first; then tasks come.")
    return None


def judging(by: User) -> Refusal | None:
    """Of what one has been given already. A newer agreement is signed before the next claim: what is on the screen
    can be finished."""
    if not by.can(Permission.JUDGE):
        return Refusal("not_qualified", "You are not an evaluator; an administrator can grant you the role.")
    if by.can(Permission.VIEW_EXPERIMENTS) or by.can(Permission.VIEW_CAMPAIGNS):
        return Refusal(
            "not_qualified",
            "You can see experiments and their results, so you cannot judge blind; others judge this.",
        )
    return None


def hearing(by: User) -> Refusal | None:
    """Whether somebody is given conflicts to settle."""
    if by.is_machine:
        return Refusal("not_qualified", "Conflicts are settled by people.")
    if refusal := adjudicating(by):
        return refusal
    if not grants.has_accepted_agreement(by):
        return Refusal("agreement_unsigned", "Sign the confidentiality agreement first; then conflicts come.")
    return None


def adjudicating(by: User) -> Refusal | None:
    """Of a conflict that one has been given already."""
    if refusal := judging(by):
        return refusal
    if not skills.has(by, skills.ADJUDICATION):
        return Refusal(
            "not_senior",
            "Only a senior evaluator settles what others disagree about; a lead can grant you the skill.",
        )
    return None


def making_gold(by: User) -> Refusal | None:
    if not by.can(Permission.MANAGE_CAMPAIGNS):
        return Refusal("not_lead", "Only an evaluation lead makes gold of what was settled.")
    return None


def opening(by: User) -> Refusal | None:
    if not (by.is_machine or by.can(Permission.MANAGE_CAMPAIGNS)):
        return Refusal("not_lead", "Only an evaluation lead opens a campaign and adds items to it.")
    return None


def importing(by: User) -> Refusal | None:
    if not (by.is_machine or by.can(Permission.MANAGE_CAMPAIGNS)):
        return Refusal("not_lead", "Only an evaluation lead imports judgments that were made elsewhere.")
    return None


def exporting(by: User) -> Refusal | None:
    if not (by.is_machine or by.can(Permission.VIEW_CAMPAIGNS)):
        return Refusal("not_permitted", "Only who sees campaigns takes their judgments along.")
    return None


def handing_out(by: User) -> Refusal | None:
    if not (by.is_machine or by.can(Permission.MANAGE_CAMPAIGNS)):
        return Refusal("not_lead", "Only an evaluation lead takes a campaign's items along.")
    return None


def pausing(by: User, campaign: Campaign) -> Refusal | None:
    if not by.can(Permission.MANAGE_CAMPAIGNS):
        return Refusal("not_lead", "Only an evaluation lead pauses and resumes a campaign.")
    if campaign.status == CampaignStatus.CLOSED:
        return Refusal("campaign_closed", "This campaign is closed; nobody is asked any more.")
    return None


def revising(by: User, campaign: Campaign, *, asks_again: bool) -> Refusal | None:
    if not (by.is_machine or by.can(Permission.MANAGE_CAMPAIGNS)):
        return Refusal("not_lead", "Only an evaluation lead changes a campaign's rubric.")
    if campaign.status == CampaignStatus.CLOSED:
        return Refusal(
            "campaign_closed", "This campaign is closed; what was said stands by the rubric it had."
        )
    if not asks_again and campaign.experiment_id and querysets.standing_judgments().filter(campaign=campaign):
        return Refusal(
            "must_ask_again",
            "An experiment is decided on these judgments, so all of them are given by one version of the rubric: "
            "ask again what was judged.",
        )
    return None


def closing(by: User, campaign: Campaign) -> Refusal | None:
    if not by.can(Permission.MANAGE_CAMPAIGNS):
        return Refusal("not_lead", "Only an evaluation lead closes a campaign.")
    if campaign.experiment and campaign.experiment.status == ExperimentStatus.CANCELLED:
        return None  # nobody needs the judgments that are missing
    # What adaptive overlap has added serves a task's label alone; closing withdraws it.
    missing = querysets.count_missing(querysets.asked_slots(campaign))
    if missing:
        return Refusal(
            "still_open", f"{missing} judgments are still missing; the campaign closes when all are in."
        )
    return None


def excluding(by: User, task: Task) -> Refusal | None:
    if not by.can(Permission.MANAGE_CAMPAIGNS):
        return Refusal("not_lead", "Only an evaluation lead excludes a task.")
    if task.campaign.status == CampaignStatus.CLOSED:
        return Refusal("campaign_closed", "This campaign is closed; what it says stands.")
    if Flag.objects.filter(task=task, decision="").exists():
        return None
    if querysets.skips().filter(task=task).exists():
        return None
    if task.campaign.experiment_id:
        return Refusal("not_skipped", "Nobody has skipped this task; it waits to be judged.")
    if Judgment.objects.filter(task=task).exists():
        return Refusal(
            "judged", "It was judged, and not skipped: leaving it out now would choose what people said."
        )
    return None


def extending(by: User, campaign: Campaign) -> Refusal | None:
    if not by.can(Permission.MANAGE_CAMPAIGNS):
        return Refusal("not_lead", "Only an evaluation lead gives people more time.")
    if campaign.status == CampaignStatus.CLOSED:
        return Refusal("campaign_closed", "This campaign is closed; nobody is asked any more.")
    return None


def raising_overlap(by: User, campaign: Campaign) -> Refusal | None:
    """Whoever asks more people once answers are in could go on until they like what they hear."""
    if not by.can(Permission.MANAGE_CAMPAIGNS):
        return Refusal("not_lead", "Only an evaluation lead asks more people about each item.")
    if campaign.status == CampaignStatus.CLOSED:
        return Refusal("campaign_closed", "This campaign is closed; nobody is asked any more.")
    if campaign.experiment_id:
        return Refusal("planned", "An experiment's gate policy says how many judge each item.")
    if campaign.max_overlap is not None:
        return Refusal("adaptive", "The overlap is adaptive: more are asked by itself where people disagree.")
    if Judgment.objects.filter(campaign=campaign).exists():
        return Refusal(
            "judged",
            "People have judged already. Who asks more of them now could go on until they like the answer; open "
            "another campaign.",
        )
    return None


def waiving(by: User, campaign: Campaign) -> Refusal | None:
    if not by.can(Permission.MANAGE_CAMPAIGNS):
        return Refusal("not_lead", "Only an evaluation lead says what a campaign asks of who judges it.")
    if campaign.status == CampaignStatus.CLOSED:
        return Refusal("campaign_closed", "This campaign is closed; nobody is asked any more.")
    if campaign.skills_waived_at or not campaign.skills.exists():
        return Refusal("no_skills", "This campaign asks for no skills.")
    return None


def reassigning(by: User, campaign: Campaign) -> Refusal | None:
    if not (by.is_machine or by.can(Permission.MANAGE_CAMPAIGNS)):
        return Refusal("not_lead", "Only an evaluation lead gives a task to somebody else.")
    if campaign.status == CampaignStatus.CLOSED:
        return Refusal("campaign_closed", "This campaign is closed; nobody is asked any more.")
    return None


def checking(by: User, campaign: Campaign) -> Refusal | None:
    if not by.can(Permission.MANAGE_CAMPAIGNS):
        return Refusal("not_lead", "Only an evaluation lead decides about text that names a system.")
    if campaign.status == CampaignStatus.CLOSED:
        return Refusal("campaign_closed", "This campaign is closed; nobody is asked any more.")
    return None


def unblocking(by: User, campaign: Campaign, *, at: dt.datetime) -> Refusal | None:
    if not by.can(Permission.MANAGE_CAMPAIGNS):
        return Refusal("not_lead", "Only an evaluation lead lets a proxy stand in for people.")
    if campaign.experiment is None:
        return Refusal("no_experiment", "Nothing waits for a stand-alone campaign, so it blocks nothing.")
    if campaign.is_simulated:
        return Refusal("simulated", "A simulated campaign blocks nothing.")
    if campaign.status == CampaignStatus.CLOSED:
        return Refusal("not_blocked", "This campaign blocks nothing any more.")
    if campaign.unblocked_at and not proxies.is_over(campaign.experiment, at=at):
        return Refusal(
            "not_blocked", "The proxy stands in already; until its time is over there is nothing to do."
        )
    if not Escalation.objects.filter(task__campaign=campaign, round=campaign.extensions).exists():
        return Refusal("not_overdue", "No task of this campaign is overdue; people still have time to judge.")
    return None


def qualifying(by: User) -> Refusal | None:
    if not by.can(Permission.MANAGE_CAMPAIGNS):
        return Refusal("not_lead", "Only an evaluation lead grants and revokes qualifications.")
    return None


def sitting(by: User, course: Course, kind: str, *, at: dt.datetime) -> Refusal | None:
    """Why `by` cannot begin the training or an attempt of the test now."""
    lessons = course.lessons.filter(kind=kind).count()
    if kind == LessonKind.TRAINING:
        return (
            None
            if lessons
            else Refusal("no_training", "There are no training items; the guidelines are all.")
        )
    own = Sitting.objects.filter(course=course, evaluator=by).exclude(ended_at=None)
    standing = course.qualifications.filter(evaluator=by).order_by("pk").last()
    if standing and standing.revoked_at is None:
        return Refusal("qualified", "You have qualified; tasks come from your queue.")
    if standing:
        return Refusal(
            "revoked",
            f"A lead took your qualification back, and can grant it again: {standing.revocation_reason}",
        )
    training = LessonKind.TRAINING
    if course.lessons.filter(kind=training).exists() and not own.filter(kind=training).exists():
        return Refusal("training_first", "Go through the training first; the test comes after it.")
    if lessons < course.items:
        return Refusal("no_test", "The test is not ready: it has too few questions. Tell the lead.")
    attempts = own.filter(kind=LessonKind.TEST).order_by("ended_at")
    if len(attempts) > course.retries:
        return Refusal("no_retry", "No attempt is left. A lead can still grant you the qualification.")
    if attempts and at < (again_at := retry_at(attempts.last(), course)):
        return Refusal("retry_later", f"You can try again from {again_at:%d %B %H:%M} UTC on.")
    return None


def retry_at(attempt: Sitting | None, course: Course) -> dt.datetime:
    assert attempt is not None
    assert attempt.ended_at is not None
    return attempt.ended_at + dt.timedelta(hours=course.wait_hours)


def releasing(by: User, campaign: Campaign) -> Refusal | None:
    if not by.can(Permission.MANAGE_CAMPAIGNS):
        return Refusal("not_lead", "Only an evaluation lead tells evaluators how they did on gold.")
    if campaign.status == CampaignStatus.CLOSED or campaign.gold_released_at:
        return Refusal("released", "Evaluators see already how they did on gold.")
    return None


def appealing(by: User, judgment: Judgment, *, at: dt.datetime) -> Refusal | None:
    """Before feedback is released, gold looks here like any task."""
    if not querysets.with_feedback(at).filter(pk=judgment.pk).exists():
        return Refusal("no_feedback", "There is no feedback on this judgment that you could appeal against.")
    return against(judgment)


def against(judgment: Judgment) -> Refusal | None:
    """Why there is nothing to appeal against in feedback that was released."""
    if judgment.choice == judgment.task.gold.choice or judgment.task.gold.suspended_at:
        return Refusal("nothing_against_you", "The feedback does not say that you were wrong.")
    if hasattr(judgment, "appeal"):
        return Refusal("appealed_before", "You have appealed here before; once is enough, a lead answers.")
    return None


def answering(by: User) -> Refusal | None:
    if not by.can(Permission.MANAGE_CAMPAIGNS):
        return Refusal("not_lead", "Only an evaluation lead answers appeals.")
    return None


def pausing_evaluator(by: User, evaluator: User) -> Refusal | None:
    if not by.can(Permission.MANAGE_CAMPAIGNS):
        return Refusal("not_lead", "Only an evaluation lead pauses and resumes an evaluator.")
    if by.is_machine:
        return Refusal("not_a_person", "That somebody is given no more tasks, a person decides.")
    if by == evaluator:
        return Refusal("oneself", "Somebody else decides about your own work.")
    return None


def answering_pause(by: User, row: Pause) -> Refusal | None:
    """Another lead than the one who paused, where there is one."""
    if refusal := pausing_evaluator(by, row.evaluator):
        return refusal
    if by.pk == row.paused_by_id and any(lead.pk != by.pk for lead in outbox.holders("lead")):
        return Refusal(
            "same_lead", "You have paused this evaluator yourself; another lead answers the appeal."
        )
    return None
