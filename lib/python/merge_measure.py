"""What two models say to the same text: distributions over the next token, how far they lie apart, and the same beside a base
in 4 bit. Used by merge_lora.py.
"""

import events

# Bytes that the distributions kept for comparison may take together.
KEPT_BYTES = 1_500_000_000
# Positions of a prompt that are compared at most.
POSITIONS = 64
# Two tokens whose log-probabilities lie closer than this are equally likely: rounding decides which comes first.
TIE = 0.01


def positions_of(rows, vocabulary, lists):
    """For every row the positions that are compared, evenly over its length; `lists` distributions of each are kept."""
    fit = max(1, int(KEPT_BYTES / (lists * 4 * vocabulary * len(rows))))
    count = min(POSITIONS, fit)
    picked = []
    for ids in rows:
        last, number = len(ids) - 1, min(count, len(ids) - 1)
        picked.append(sorted({last - (at * last) // number for at in range(number)}))
    return picked


def distributions(model, rows, picked, label):
    """Log-probabilities over the next token at the picked positions, in float32 on the CPU; one tensor a row."""
    import torch

    with torch.no_grad():
        for at, (ids, positions) in enumerate(zip(rows, picked)):
            batch = torch.tensor([ids], device=next(model.parameters()).device)
            logits = model(input_ids=batch, use_cache=False).logits[0, positions]
            said = torch.log_softmax(logits.float(), dim=-1).cpu()
            events.progress(label, at + 1, len(rows), "prompts")  # Before: nobody may come back after the last one.
            yield said


def divergence(reference, other):
    """Kullback-Leibler divergence of `other` from `reference`, one figure a position, in nats."""
    # Normalised once more: in float32 the probabilities sum up to 1 only nearly, which would show below 1e-7.
    reference, other = (each.double().log_softmax(dim=-1) for each in (reference, other))
    return (reference.exp() * (reference - other)).sum(dim=-1)


def agreement(reference, other):
    """1 where the first choice of `other` is the reference's too, or as likely to it, one figure a position."""
    chosen = reference.gather(-1, other.argmax(dim=-1, keepdim=True)).squeeze(-1)
    return (reference.max(dim=-1).values - chosen < TIE).double()


def missing_4bit():
    """Why a base cannot be held in 4 bit here; None where it can."""
    try:
        import bitsandbytes  # noqa: F401
    except Exception as error:  # It looks for libraries of the GPU while it is imported, and fails in many ways.
        return f"bitsandbytes cannot be loaded ({error})"
    return None


def load_in_4bit(folder, dtype, device):
    """The base as QLoRA trains beside it: NF4, its scales quantised too, computed with in the type of the others."""
    import torch
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    dtype = dtype or torch.bfloat16
    config = BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True, bnb_4bit_compute_dtype=dtype
    )
    model = AutoModelForCausalLM.from_pretrained(
        folder, dtype=dtype, quantization_config=config, device_map={"": device}, local_files_only=True
    )
    for module in model.modules():
        if hasattr(module, "support_avx512bf16_for_cpu"):
            module.support_avx512bf16_for_cpu = False  # bitsandbytes 0.50 would compute in bfloat16, whatever it is told.
    return model.eval()


def compare_4bit(model, rows, picked, merged):
    """What the merged model says otherwise than the pair that was trained, and which of the two knows the texts better."""
    import torch

    kl, same, losses, differences = [], [], [], []
    of_pair = distributions(model, rows, picked, "base in 4 bit and adapter")
    for ids, positions, trained, of_merged in zip(rows, picked, of_pair, merged):
        kl.append(divergence(trained, of_merged))
        same.append(agreement(trained, of_merged))
        ahead = [(at, ids[position + 1]) for at, position in enumerate(positions) if position + 1 < len(ids)]
        at, tokens = (torch.tensor(each) for each in zip(*ahead))
        losses.append(-trained[at, tokens].double())
        differences.append(-of_merged[at, tokens].double() - losses[-1])
    loss, difference = torch.cat(losses), torch.cat(differences)
    # Places of one text go together: the error is that of the texts' sums.
    sums = torch.stack([each.sum() - len(each) * difference.mean() for each in differences])
    error = (sums.square().sum() * len(sums) / max(1, len(sums) - 1)).sqrt() / len(difference)
    return {
        "meanKl": torch.cat(kl).mean().item(),
        "maximumKl": torch.cat(kl).max().item(),
        "topAgreement": torch.cat(same).mean().item(),
        "trainedLoss": loss.mean().item(),
        "mergedLoss": (loss + difference).mean().item(),
        "lossError": error.item(),
        "positions": sum(len(each) for each in kl),
    }
