"""The API as an evaluator has it."""

import uuid


def test_every_answer_of_the_api_on_the_way_of_an_evaluator(api, campaign):
    def post(path, **body):
        return api.ask("post", f"/api/v1/{path}", body, content_type="application/json")

    judged = 0
    post("queue/next", campaign=str(uuid.uuid4()))
    while (found := post("queue/next", campaign=str(campaign.public_id)).json())["assignment"]:
        assert found.keys() == {
            "assignment", "asks_guess", "item", "judgment_id", "lease_expires_at", "rubric"
        }  # fmt: skip
        assert found["item"].keys() == {"prompt", "prompt_format", "contexts", "media", "responses"}
        assert [sorted(response) for response in found["item"]["responses"]] == [
            ["contexts", "format", "media", "slot", "text"]
        ] * 2
        at = f"assignments/{found['assignment']}"
        post(f"{at}/activate")
        post(f"{at}/heartbeat")
        ahead = post("queue/next", campaign=str(campaign.public_id), prefetch=True).json()
        post(f"{at}/judgment", judgment_id=found["judgment_id"], preference="neither")
        post(f"{at}/skip")
        if judged == 2:
            post(f"{at}/skip", reason="not my subject")
        elif judged == 3:
            post(f"{at}/release")
            judged += 1
            continue
        else:
            stored = post(f"{at}/judgment", judgment_id=found["judgment_id"], preference=2)
            assert stored.json()["preference"] == 2
            post(f"{at}/judgment", judgment_id=found["judgment_id"], preference=1)
            if judged % 2:
                undone = post(f"judgments/{found['judgment_id']}/undo").json()
                post(f"{at}/judgment", judgment_id=undone["judgment_id"], preference="tie")
                post(f"judgments/{found['judgment_id']}/undo")
            if ahead["assignment"]:
                post(f"assignments/{ahead['assignment']}/activate")
        post(f"{at}/release")
        post(f"{at}/heartbeat")
        judged += 1
    post(f"assignments/{uuid.uuid4()}/judgment", judgment_id=str(uuid.uuid4()), preference=1)
    post(f"judgments/{uuid.uuid4()}/undo")
    assert {200, 201, 400, 403, 409} <= api.statuses


def test_the_contract_is_the_same_for_all_and_names_nothing(api, crawler):
    """It speaks of arms, as a contract must; it says nothing about any experiment."""
    for reader in (api, crawler):
        assert reader.ask("get", "/api/v1/schema/", arm_words=False).status_code == 200
