"""Samples of one prompt by Hugging Face transformers on the first GPU.

usage: transformers_generate.py FOLDER NEW_TOKENS DTYPE ID,ID,...
Says "ready" when the model is loaded. Then every line "ROWS" on the standard input is answered by the seconds that as many samples of
NEW_TOKENS tokens took, prompt included.
"""
import sys
import time

import torch
import transformers


def main():
    folder, new_tokens, dtype, ids = sys.argv[1], int(sys.argv[2]), getattr(torch, sys.argv[3]), sys.argv[4]
    transformers.logging.set_verbosity_error()
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, torch_dtype=dtype).to("cuda").eval()
    prompt = torch.tensor([[int(number) for number in ids.split(",")]], device="cuda")
    print("ready", flush=True)
    for line in sys.stdin:
        rows = prompt.repeat(int(line), 1)
        torch.cuda.synchronize()
        start = time.perf_counter()
        with torch.inference_mode():
            answers = model.generate(
                rows, attention_mask=torch.ones_like(rows), do_sample=True, temperature=1.0, top_k=0, top_p=1.0,
                min_new_tokens=new_tokens, max_new_tokens=new_tokens, pad_token_id=0)
        torch.cuda.synchronize()
        seconds = time.perf_counter() - start
        if answers.shape != (rows.shape[0], rows.shape[1] + new_tokens):
            raise SystemExit(f"{tuple(answers.shape)} is not what was asked for")
        print(seconds, flush=True)


main()
