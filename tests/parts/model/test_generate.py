import pytest
import torch

from fournil.parts.model import folder as model_folder
from fournil.parts.model.config import ModelConfig
from fournil.parts.model.generate import Sampling, generate, stream
from fournil.parts.model.transformer import Llama

CONFIG = ModelConfig(61, 32, 48, 2, 4, 2, max_position_embeddings=64)


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def model():
    generator = torch.Generator().manual_seed(5)
    model = Llama(CONFIG).reset(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.3)
    return model


def prompts_of_many_lengths(num=32):
    generator = torch.Generator().manual_seed(7)
    lengths = torch.randint(1, 30, (num,), generator=generator).tolist()
    return [torch.randint(3, 61, (length,), generator=generator).tolist() for length in lengths]


@pytest.mark.parametrize("sampling", [Sampling(), Sampling(temperature=0.9, top_p=0.8, seed=3)])
def test_a_prompt_gets_the_same_text_alone_and_in_any_batch(model, sampling):
    prompts = prompts_of_many_lengths()
    settings = {"stop_ids": {2, 17}, "max_new_tokens": 20, "sampling": sampling}
    together = generate(model, prompts, batch_rows=32, **settings)
    assert together == generate(model, prompts, batch_rows=5, **settings)
    assert together == [generate(model, [prompt], **settings)[0] for prompt in prompts]
    assert together == [list(stream(model, prompt, **settings)) for prompt in prompts]
    assert len({len(ids) for ids in together}) > 3  # some ended early, so rows left the batch


def test_greedy_text_is_that_of_transformers(model, tmp_path):
    from transformers import GenerationConfig, LlamaForCausalLM

    model_folder.save(model, tmp_path)
    theirs = LlamaForCausalLM.from_pretrained(tmp_path, dtype=torch.float32).eval()
    prompts = prompts_of_many_lengths(10)
    ours = generate(model, prompts, stop_ids={17}, max_new_tokens=16)
    settings = GenerationConfig(do_sample=False, max_new_tokens=16, eos_token_id=17, pad_token_id=0)
    for prompt, got in zip(prompts, ours, strict=True):
        ids = torch.tensor([prompt])
        expected = theirs.generate(ids, attention_mask=torch.ones_like(ids), generation_config=settings)[
            0, len(prompt) :
        ]
        assert got == [token for token in expected.tolist() if token != 17]


def test_writing_ends_at_the_limit_and_at_the_context_length(model):
    long = [5] * 60
    assert [len(ids) for ids in generate(model, [long, [5], [6]], stop_ids=(), max_new_tokens=[9, 3, 0])] == [4, 3, 0]
    with pytest.raises(ValueError, match="65 tokens"):
        generate(model, [[5] * 65], stop_ids=(), max_new_tokens=1)
    with pytest.raises(ValueError, match="0 tokens"):
        generate(model, [[]], stop_ids=(), max_new_tokens=1)


def test_sampling_follows_the_distribution_and_top_p_cuts_its_tail():
    from fournil.parts.model.generate import choose, dice_of

    logits = torch.tensor([[2.0, 1.0, 0.0, -1.0]])
    for top_p, expected in ((1.0, [0.644, 0.237, 0.087, 0.032]), (0.7, [0.731, 0.269, 0.0, 0.0])):
        sampling = Sampling(temperature=1.0, top_p=top_p, seed=1)
        dice = [dice_of(sampling, [4])]
        counts = torch.zeros(4)
        for _ in range(4000):
            counts[int(choose(logits, sampling, dice)[0])] += 1
        torch.testing.assert_close(counts / 4000, torch.tensor(expected), atol=0.025, rtol=0)


def test_impossible_sampling_is_refused():
    with pytest.raises(ValueError, match="top_p"):
        Sampling(top_p=0.0)
    with pytest.raises(ValueError, match="temperature"):
        Sampling(temperature=-1)


def test_another_seed_gives_another_text(model):
    texts = {
        tuple(generate(model, [[4, 5]], stop_ids=(), max_new_tokens=12, sampling=Sampling(1.0, seed=seed))[0])
        for seed in range(5)
    }
    assert len(texts) > 3
