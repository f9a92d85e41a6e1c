"""Votes between systems of known strength."""

import numpy as np


def drawn(rng, prompts, each=4, theta=(0.0, 0.4, -0.3), delta=0.2, nu=0.5, alike=0.0):
    """Votes of the model; `alike` is the spread by which a prompt suits one system or another."""
    systems = len(theta)
    suits = rng.normal(0, alike, size=(prompts, systems)) if alike else np.zeros((prompts, systems))
    prompt = np.repeat(np.arange(prompts), each)
    left = rng.integers(0, systems, size=len(prompt))
    right = (left + rng.integers(1, systems, size=len(prompt))) % systems
    strength = np.array(theta) + suits[prompt]
    rows = np.arange(len(prompt))
    half = (strength[rows, left] - strength[rows, right] + delta) / 2
    chances = np.stack([np.exp(half), np.full_like(half, nu), np.exp(-half)])
    chances /= chances.sum(axis=0)
    outcome = 1 - (rng.random(len(prompt)) > np.cumsum(chances, axis=0)[:2]).sum(axis=0)
    return left, right, outcome, prompt


def judged(rng, prompts, raters, suits=0.8, likes=0.8):
    """Votes between three equal systems, 3 raters a prompt; prompts and raters suit one system or another."""
    prompt = np.repeat(np.arange(prompts), 3)
    rater = rng.random((prompts, raters)).argsort(axis=1)[:, :3].ravel()
    left = rng.integers(0, 3, len(prompt))
    right = (left + rng.integers(1, 3, len(prompt))) % 3
    rows = np.arange(len(prompt))
    merit = rng.normal(0, suits, (prompts, 3))[prompt] + rng.normal(0, likes, (raters, 3))[rater]
    chance = 1 / (1 + np.exp(merit[rows, right] - merit[rows, left]))
    return left, right, np.where(rng.random(len(prompt)) < chance, 1, -1), prompt, rater
