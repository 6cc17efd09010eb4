"""Texts that are true of a picture, and texts that are false by little: for demo_items.py."""

import torch
from demo_scenes import COLOURS, PLACES, SHAPES, Scene, captions

MIDDLE_SIZE = 1  # which no word stands for
COUNTS = Scene(len(SHAPES), len(COLOURS), 3, len(PLACES))


class TextDrawer:
    """Draws texts about scenes from one source of random numbers."""

    def __init__(self, generator):
        self.generator = generator

    def number(self, end):
        return int(torch.randint(end, (1,), generator=self.generator))

    def chance(self, share):
        return bool(torch.rand(1, generator=self.generator) < share)

    def part(self, scene):
        """A claim that says some of what is true of a scene: at least its shape or its colour."""
        claim = Scene(*(value if self.chance(share) else None
                        for value, share in zip(scene, (0.85, 0.8, 0.6, 0.6))))
        if claim.shape is None and claim.colour is None:
            claim = claim._replace(shape=scene.shape)
        return claim._replace(size=None) if claim.size == MIDDLE_SIZE else claim

    def changed(self, claim, scene):
        """The claim with one thing in it changed, or a wrong size said, so that it is false."""
        said = [field for field in Scene._fields if getattr(claim, field) is not None]
        field = (said + ["size"] * ("size" not in said))[self.number(len(said) + ("size" not in said))]
        own = getattr(scene, field)
        others = [value for value in range(getattr(COUNTS, field))
                  if value != own and not (field == "size" and value == MIDDLE_SIZE)]
        return claim._replace(**{field: others[self.number(len(others))]})

    def text(self, claim):
        """One of the wordings that tell all of the claim."""
        brief = claim.size is None and claim.place is None
        return captions(claim)[self.number(3 if brief else 2)]


def true_of(claims, scenes):
    """Whether each claim, a row, holds of each scene, a column."""
    coded = torch.tensor([[-1 if value is None else value for value in claim] for claim in claims])[:, None]
    return ((coded == torch.tensor(scenes)[None]) | (coded == -1)).all(2)
