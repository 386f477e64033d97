"""A device whose tensors lie on the CPU, and which counts what a GPU would wait for.

It is PyTorch's PrivateUse1 with a tensor subclass in place of memory. A number for Python, a copy
from it, an ordinary copy to it, and operations whose result has a size that only the device knows
are waits: on a GPU, Python goes on when all earlier work is done. Operations on tensors of both
devices fail, as they do on a GPU. Nothing else is imitated: ESPnet's and our branches for `cuda`
are not taken.
"""

import collections
import traceback

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map
from torch.utils.backend_registration import (
    _DummyBackendModule,
    _setup_privateuseone_for_python_backend,
)

NAME = "pretended"


class _Backend(_DummyBackendModule):
    def get_amp_supported_dtype(self):
        return [torch.bfloat16, torch.float16]


_setup_privateuseone_for_python_backend(NAME, backend_module=_Backend())
DEVICE = torch.device(NAME, 0)
HOST = torch.device("cpu")
aten = torch.ops.aten
BY_CONTENT = {  # the size of the result depends on the numbers
    aten.nonzero,
    aten.masked_select,
    aten.equal,
    aten._unique2,
    aten.unique_consecutive,
    aten.repeat_interleave,
}
INDEXED = (aten.index, aten.index_put, aten.index_put_, aten._index_put_impl_)
CTC = (aten._ctc_loss, aten._ctc_loss_backward)  # they take lengths from the CPU
WAITS: "collections.Counter[str]" = collections.Counter()  # by the place that they come from


class OnDevice(torch.Tensor):
    """A tensor of the device; `held` has its numbers."""

    __torch_function__ = torch._C._disabled_torch_function_impl

    @staticmethod
    def __new__(cls, held):
        return torch.Tensor._make_wrapper_subclass(
            cls,
            held.size(),
            strides=held.stride(),
            storage_offset=held.storage_offset(),
            dtype=held.dtype,
            device=DEVICE,
        )

    def __init__(self, held):
        self.held = held

    def __repr__(self):
        return f"OnDevice({self.held})"

    def tolist(self):
        wait("tolist")
        return self.held.detach().tolist()

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        return call(func, args, kwargs or {})


class Pretended(TorchDispatchMode):
    """Inside, tensors can be made on the device."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        return call(func, args, kwargs or {})


def put(tensor):
    """Return a tensor on the device; nothing is counted."""
    return OnDevice(tensor.detach().clone())


def wait(why):
    frames = traceback.extract_stack()
    ours = [frame for frame in frames if "/espnet_soups/" in frame.filename]
    place = ours[-1].filename.rpartition("/espnet_soups/")[2] if ours else "elsewhere"
    WAITS[f"{place}: {why}"] += 1


def held(value):
    return value.held if isinstance(value, OnDevice) else value


def call(func, args, kwargs):
    tensors = [one for one in tree_leaves((args, kwargs)) if isinstance(one, torch.Tensor)]
    theirs = any(isinstance(one, OnDevice) for one in tensors)
    asked = kwargs.get("device")
    to_device = theirs if asked is None else torch.device(asked).type == NAME
    name = func.overloadpacket
    if name in (aten._to_copy, aten.copy_):
        source, target = (args[0], to_device) if name is aten._to_copy else (args[1], None)
        if target is None:
            target = isinstance(args[0], OnDevice)
        count_copy(isinstance(source, OnDevice), target, is_free=kwargs.get("non_blocking", False))
    elif theirs:
        count_waits(name, args)
        refuse_two_devices(name, func, args, tensors)
    if asked is not None:
        kwargs = {**kwargs, "device": HOST}
    own_args, own_kwargs = tree_map(held, (args, kwargs))
    result = func(*own_args, **own_kwargs)
    if not to_device:
        return result
    inputs = {id(held(one)): one for one in tensors}  # what an operation in place returns

    def wrap(value):
        if not isinstance(value, torch.Tensor):
            return value
        return inputs[id(value)] if id(value) in inputs else OnDevice(value)

    return tree_map(wrap, result)


def count_copy(from_device, to_device, is_free):
    if from_device and not to_device:
        wait("copy to the CPU")
    elif to_device and not from_device and not is_free:
        wait("copy from the CPU")


def count_waits(name, args):
    if name is aten._local_scalar_dense:
        wait("number for Python")
    elif name in BY_CONTENT:
        wait(str(name))
    elif name in INDEXED:
        for index in args[1]:
            if index is not None and index.dtype == torch.bool:
                wait("index of booleans")
            elif index is not None and not isinstance(index, OnDevice):
                wait("index from the CPU")
    elif name is CTC[0]:
        for lengths in args[2:4]:
            if isinstance(lengths, OnDevice):
                wait("lengths of CTC")


def refuse_two_devices(name, func, args, tensors):
    if name in INDEXED or name in CTC:
        return
    for one in tensors:
        if not isinstance(one, OnDevice) and one.dim() > 0:
            raise RuntimeError(f"{func}: tensors on two devices")


def _empty_strided(size, stride, dtype=None, layout=None, device=None, pin_memory=None):
    return OnDevice(torch.empty_strided(size, stride, dtype=dtype, device=HOST))


def _copy_from(source, target, non_blocking=False):
    count_copy(isinstance(source, OnDevice), isinstance(target, OnDevice), non_blocking)
    held(target).copy_(held(source))
    return target


_LIBRARY = torch.library.Library("aten", "IMPL")  # `torch.tensor` calls these by itself
_LIBRARY.impl("empty_strided", _empty_strided, "PrivateUse1")
_LIBRARY.impl("_copy_from", _copy_from, "PrivateUse1")
