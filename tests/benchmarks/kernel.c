/* The screening step of the whole-book evaluation as plain loops over the same arrays, in one thread: without exact
 * confirmation, and without drift of holdings outside the portfolio. */
#include <math.h>
#include <stdint.h>

void evaluate(int64_t accounts, int64_t slots, int64_t portfolios, const int64_t *qty, const int64_t *row,
              const int32_t *local, const double *price, const double *target, const double *limit,
              const double *cash_weight, const int64_t *count, const int64_t *cooldown, const uint8_t *calendar,
              const uint8_t *active, const int64_t *cash, const int64_t *reserved, const int64_t *cash_floor,
              const int32_t *rebalanced_on, const int32_t *system_run_on, const uint16_t *marks, const double *besides,
              int64_t today, uint8_t *outcome) {
    enum { TILE = 64 };
    double value[slots][TILE], invested[TILE], widest[TILE];
    for (int64_t start = 0; start < accounts; start += TILE) {
        int64_t width = accounts - start < TILE ? accounts - start : TILE;
        const int32_t *model = local + start;
        for (int64_t i = 0; i < width; i++) {
            invested[i] = besides[row[start + i]];
            widest[i] = -INFINITY;
        }
        for (int64_t s = 0; s < slots; s++)
            for (int64_t i = 0; i < width; i++) {
                value[s][i] = (double)qty[s * accounts + start + i] * price[s * portfolios + model[i]];
                invested[i] += value[s][i];
            }
        for (int64_t s = 0; s < slots; s++)
            for (int64_t i = 0; i < width; i++) {
                double factor = 10000 / (invested[i] + (double)cash[row[start + i]] * 1e-9);
                double over = fabs(value[s][i] * factor - target[s * portfolios + model[i]]) -
                              limit[s * portfolios + model[i]];
                widest[i] = over > widest[i] ? over : widest[i];
            }
        for (int64_t i = 0; i < width; i++) {
            int64_t r = row[start + i], p = model[i];
            double money = (double)cash[r] * 1e-9, equity = invested[i] + money;
            int blocked = !active[p] || marks[r] ||
                          (invested[i] > 0 && (equity <= 0 || invested[i] > 6 * equity)) || system_run_on[r] == today;
            int first = rebalanced_on[r] < 0, cooling = !first && today < rebalanced_on[r] + cooldown[p];
            int fires = first || (!cooling && (calendar[p] || widest[i] > 0));
            double keep = fmax(fmax(equity, 0) * cash_weight[p], (double)cash_floor[r] * 1e-9);
            int invests = money - (double)reserved[r] * 1e-9 - keep >= 10;
            outcome[r] = blocked ? 3 : fires && equity >= (double)count[p] ? 0 : invests ? 1 : 2;
        }
    }
}
