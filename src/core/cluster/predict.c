#include "core/cluster/predict.h"

double predict_mean(const struct predict *p) {
    double sum = 0;
    for (uint32_t i = 0; i < p->n; i++)
        sum += (double)p->ms[i];
    return p->n >= PREDICT_LEAST ? sum / p->n : 0;
}

void predict_note(struct predict *p, double ms, double limit_ms) {
    p->ms[p->at] = (float)ms;
    p->at = (p->at + 1) % PREDICT_TIMES;
    if (p->n < PREDICT_TIMES)
        p->n++;
    double mean = predict_mean(p);
    if (limit_ms <= 0 || mean < limit_ms * 0.8)
        p->slow = false;
    else if (mean > limit_ms)
        p->slow = true;
}

bool predict_avoids(struct predict *p) {
    return p->slow && ++p->asked % PREDICT_PROBE != 0;
}
