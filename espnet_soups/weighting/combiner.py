"""What a combiner is: it moves the weights of one level, given a small Gram matrix."""

from abc import ABC, abstractmethod

from torch import Tensor


class Combiner(ABC):
    """Moves the weights of the objectives of one level.

    Attributes:
        measures: Whether it looks at gradients at all. A combiner that does not is free.
        symmetric: Whether it wants a symmetric Gram matrix; if not, it gets the cross Gram
            G(z1) G(z2)^T of two independent batches as it is.
    """

    measures: bool = True
    symmetric: bool = False

    @abstractmethod
    def __call__(self, weights: Tensor, gram: Tensor) -> Tensor:
        """Gives the next weights.

        Args:
            weights: The weights before this step, on the simplex of mass `weights.sum()`, [m].
            gram: Inner products of the (penalised) gradients of the objectives, [m, m].

        Returns:
            The next weights, not negative, with the same sum, [m].
        """
