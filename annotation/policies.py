"""Who may judge, lead and unblock. Each question answers None or a Refusal."""

from annotation import querysets
from annotation.models import Campaign, CampaignStatus, Escalation, Flag, Slot, Task
from evaltrack.accounts import grants
from evaltrack.accounts.models import User
from evaltrack.accounts.roles import Permission
from evaltrack.errors import Refusal
from experiments.models import ExperimentStatus


def claiming(by: User) -> Refusal | None:
    if by.is_machine:
        return Refusal("not_qualified", "The queue is for people; what a program judges is never evidence.")
    return judging(by)


def judging(by: User) -> Refusal | None:
    if not by.can(Permission.JUDGE):
        return Refusal("not_qualified", "You are not an evaluator; an administrator can grant you the role.")
    if by.can(Permission.VIEW_EXPERIMENTS) or by.can(Permission.VIEW_CAMPAIGNS):
        return Refusal(
            "not_qualified",
            "You can see experiments and their results, so you cannot judge blind; others judge this.",
        )
    if not grants.has_accepted_agreement(by):
        return Refusal("agreement_unsigned", "Sign the confidentiality agreement first; then tasks come.")
    return None


def opening(by: User) -> Refusal | None:
    if not (by.is_machine or by.can(Permission.MANAGE_CAMPAIGNS)):
        return Refusal("not_lead", "Only an evaluation lead opens a campaign and adds items to it.")
    return None


def pausing(by: User, campaign: Campaign) -> Refusal | None:
    if not by.can(Permission.MANAGE_CAMPAIGNS):
        return Refusal("not_lead", "Only an evaluation lead pauses and resumes a campaign.")
    if campaign.status == CampaignStatus.CLOSED:
        return Refusal("campaign_closed", "This campaign is closed; nobody is asked any more.")
    return None


def closing(by: User, campaign: Campaign) -> Refusal | None:
    if not by.can(Permission.MANAGE_CAMPAIGNS):
        return Refusal("not_lead", "Only an evaluation lead closes a campaign.")
    if campaign.experiment and campaign.experiment.status == ExperimentStatus.CANCELLED:
        return None  # nobody needs the judgments that are missing
    missing = Slot.objects.filter(querysets.MISSING, campaign=campaign).count()
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
    if not querysets.skips().filter(task=task).exists():
        return Refusal("not_skipped", "Nobody has skipped this task; it waits to be judged.")
    return None


def releasing(by: User, campaign: Campaign) -> Refusal | None:
    if not by.can(Permission.MANAGE_CAMPAIGNS):
        return Refusal("not_lead", "Only an evaluation lead decides about text that names a system.")
    if campaign.status == CampaignStatus.CLOSED:
        return Refusal("campaign_closed", "This campaign is closed; nobody is asked any more.")
    return None


def unblocking(by: User, campaign: Campaign) -> Refusal | None:
    if not by.can(Permission.MANAGE_CAMPAIGNS):
        return Refusal("not_lead", "Only an evaluation lead lets a proxy stand in for people.")
    if campaign.experiment is None:
        return Refusal("no_experiment", "Nothing waits for a stand-alone campaign, so it blocks nothing.")
    if campaign.is_simulated:
        return Refusal("simulated", "A simulated campaign blocks nothing.")
    if campaign.status == CampaignStatus.CLOSED or campaign.unblocked_at:
        return Refusal("not_blocked", "This campaign blocks nothing any more.")
    if not Escalation.objects.filter(task__campaign=campaign).exists():
        return Refusal("not_overdue", "No task of this campaign is overdue; people still have time to judge.")
    return None
