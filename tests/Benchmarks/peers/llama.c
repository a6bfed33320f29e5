// Draws many answers with llama.cpp as fast as its public interface allows: one batch of rows, a prompt read once and shared by all its
// samples, a row that ends refilled at once, sampling on all threads. Compiled by the benchmark against the build that it measures.
#include <llama.h>
#include <ggml-backend.h>

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct peer {
    struct llama_model * model;
    struct llama_context * context;
    struct llama_batch batch;
    int rows, threads, vocabulary;
    llama_token_data * candidates; // one list for each thread
    float * prompt_logits;
};

struct row {
    int answer; // -1: empty
    int length;
    llama_token newest;
    struct llama_sampler * sampler;
};

static void only_errors(enum ggml_log_level level, const char * text, void * data) {
    (void) data;
    if (level == GGML_LOG_LEVEL_ERROR) {
        fputs(text, stderr);
    }
}

const char * peer_start(const char * libraries) {
    llama_log_set(only_errors, NULL);
    ggml_backend_load_all_from_path(libraries);
    llama_backend_init();
    return llama_print_system_info();
}

void peer_close(struct peer * peer) {
    if (peer->context) {
        llama_batch_free(peer->batch);
        llama_free(peer->context);
    }
    if (peer->model) {
        llama_model_free(peer->model);
    }
    free(peer->candidates);
    free(peer->prompt_logits);
    free(peer);
}

struct peer * peer_open(const char * file, int threads) {
    struct peer * peer = calloc(1, sizeof *peer);
    peer->threads = threads;
    peer->model = llama_model_load_from_file(file, llama_model_default_params());
    if (!peer->model) {
        peer_close(peer);
        return NULL;
    }
    peer->vocabulary = llama_vocab_n_tokens(llama_model_get_vocab(peer->model));
    peer->candidates = malloc(sizeof(llama_token_data) * (size_t) peer->vocabulary * (size_t) threads);
    peer->prompt_logits = malloc(sizeof(float) * (size_t) peer->vocabulary);
    return peer;
}

// Rows of a batch, each of at most that many tokens; their cells in one common store or in one store for each row.
bool peer_arrange(struct peer * peer, int rows, int length, bool unified) {
    if (peer->context) {
        llama_batch_free(peer->batch);
        llama_free(peer->context);
    }
    struct llama_context_params params = llama_context_default_params();
    params.n_seq_max = (uint32_t) rows + 1; // and the prompt
    params.n_ctx = (uint32_t) ((rows + 1) * length);
    params.n_batch = params.n_ubatch = (uint32_t) (rows > length ? rows : length);
    params.n_threads = params.n_threads_batch = peer->threads;
    params.kv_unified = unified;
    params.no_perf = true;
    peer->rows = rows;
    peer->context = llama_init_from_model(peer->model, params);
    if (peer->context) {
        peer->batch = llama_batch_init((int32_t) params.n_batch, 0, 1);
    }
    return peer->context != NULL;
}

// The logits after the prompt that was read last.
const float * peer_prompt_logits(const struct peer * peer, int * vocabulary) {
    *vocabulary = peer->vocabulary;
    return peer->prompt_logits;
}

static void append(struct llama_batch * batch, llama_token token, int position, int sequence, bool wanted) {
    const int at = batch->n_tokens++;
    batch->token[at] = token;
    batch->pos[at] = position;
    batch->n_seq_id[at] = 1;
    batch->seq_id[at][0] = sequence;
    batch->logits[at] = wanted;
}

static llama_token draw(const struct peer * peer, struct llama_sampler * sampler, const float * logits, int thread) {
    llama_token_data * data = peer->candidates + (size_t) thread * (size_t) peer->vocabulary;
    for (int id = 0; id < peer->vocabulary; id++) {
        data[id] = (llama_token_data) { id, logits[id], 0 };
    }
    llama_token_data_array candidates = { data, (size_t) peer->vocabulary, -1, false };
    llama_sampler_apply(sampler, &candidates);
    return candidates.data[candidates.selected].id;
}

// The rows that one thread samples.
struct share {
    const struct peer * peer;
    struct row * rows;
    const int * active;
    const float * const * logits;
    int running, thread;
    pthread_t handle;
};

static void * draw_share(void * data) {
    const struct share * share = data;
    for (int at = share->thread; at < share->running; at += share->peer->threads) {
        struct row * row = &share->rows[share->active[at]];
        row->newest = draw(share->peer, row->sampler, share->logits[at], share->thread);
    }
    return NULL;
}

static struct llama_sampler * sampler_of(float temperature, int top_k, uint32_t seed) {
    struct llama_sampler * chain = llama_sampler_chain_init(llama_sampler_chain_default_params());
    if (temperature == 0) {
        llama_sampler_chain_add(chain, llama_sampler_init_greedy());
        return chain;
    }
    if (top_k > 0) {
        llama_sampler_chain_add(chain, llama_sampler_init_top_k(top_k));
    }
    llama_sampler_chain_add(chain, llama_sampler_init_temp(temperature));
    llama_sampler_chain_add(chain, llama_sampler_init_dist(seed));
    return chain;
}

// Samples of each prompt in turn. prompts: all ids, one prompt behind the other; answer_lengths: tokens wanted of each sample of a prompt;
// answers: gets the ids of all answers, in the order of prompts and samples. The number of ids, or -1 if llama.cpp failed.
long peer_draw(struct peer * peer, const int32_t * prompts, const int32_t * prompt_lengths, const int32_t * answer_lengths,
               int prompt_count, int samples, float temperature, int top_k, int32_t * answers) {
    llama_memory_t memory = llama_get_memory(peer->context);
    llama_memory_clear(memory, false);
    struct row * rows = calloc((size_t) peer->rows, sizeof *rows);
    int32_t ** places = calloc((size_t) peer->rows, sizeof *places);
    const float ** logits = calloc((size_t) peer->rows, sizeof *logits);
    int * active = calloc((size_t) peer->rows, sizeof *active);
    struct share * shares = calloc((size_t) peer->threads, sizeof *shares);
    for (int r = 0; r < peer->rows; r++) {
        rows[r].answer = -1;
    }

    long drawn = 0;
    int prompt = -1, waiting = 0, running = 0;
    while (prompt < prompt_count - 1 || waiting > 0 || running > 0) {
        for (int r = 0; r < peer->rows; r++) {
            while (rows[r].answer < 0) {
                if (waiting == 0) {
                    if (prompt == prompt_count - 1) {
                        break;
                    }
                    prompts += prompt < 0 ? 0 : prompt_lengths[prompt];
                    prompt++;
                    waiting = samples;
                    llama_memory_seq_rm(memory, peer->rows, -1, -1);
                    peer->batch.n_tokens = 0;
                    for (int at = 0; at < prompt_lengths[prompt]; at++) {
                        append(&peer->batch, prompts[at], at, peer->rows, at == prompt_lengths[prompt] - 1);
                    }
                    if (llama_decode(peer->context, peer->batch) != 0) {
                        drawn = -1;
                        goto end;
                    }
                    memcpy(peer->prompt_logits, llama_get_logits_ith(peer->context, -1), sizeof(float) * (size_t) peer->vocabulary);
                }
                const int answer = prompt * samples + samples - waiting--;
                rows[r].sampler = sampler_of(temperature, top_k, (uint32_t) answer);
                rows[r].newest = draw(peer, rows[r].sampler, peer->prompt_logits, 0);
                places[r] = answers;
                answers += answer_lengths[prompt];
                places[r][0] = rows[r].newest;
                drawn++;
                rows[r].length = prompt_lengths[prompt];
                if (answer_lengths[prompt] == 1) {
                    llama_sampler_free(rows[r].sampler);
                    continue;
                }
                rows[r].answer = answer;
                running++;
                llama_memory_seq_cp(memory, peer->rows, r, -1, -1);
            }
        }

        peer->batch.n_tokens = 0;
        for (int r = 0; r < peer->rows; r++) {
            if (rows[r].answer >= 0) {
                active[peer->batch.n_tokens] = r;
                append(&peer->batch, rows[r].newest, rows[r].length++, r, true);
            }
        }
        if (running == 0) {
            continue;
        }
        if (llama_decode(peer->context, peer->batch) != 0) {
            drawn = -1;
            goto end;
        }
        for (int at = 0; at < running; at++) {
            logits[at] = llama_get_logits_ith(peer->context, at);
        }
        for (int thread = 0; thread < peer->threads; thread++) {
            shares[thread] = (struct share) { peer, rows, active, logits, running, thread, 0 };
            if (thread > 0) {
                pthread_create(&shares[thread].handle, NULL, draw_share, &shares[thread]);
            }
        }
        draw_share(&shares[0]);
        for (int thread = 1; thread < peer->threads; thread++) {
            pthread_join(shares[thread].handle, NULL);
        }
        drawn += running;
        for (int at = running - 1; at >= 0; at--) {
            struct row * row = &rows[active[at]];
            const int of = row->answer / samples, count = row->length - prompt_lengths[of] + 1;
            places[active[at]][count - 1] = row->newest;
            if (count == answer_lengths[of]) {
                llama_sampler_free(row->sampler);
                row->answer = -1;
                running--;
                llama_memory_seq_rm(memory, active[at], -1, -1);
            }
        }
    }

end:
    for (int r = 0; r < peer->rows; r++) {
        if (rows[r].answer >= 0) {
            llama_sampler_free(rows[r].sampler);
        }
    }
    free(shares);
    free(active);
    free(logits);
    free(places);
    free(rows);
    return drawn;
}
