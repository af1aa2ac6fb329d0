/* The screen of the whole-book evaluation as plain loops over the same arrays: no exact confirmation, one thread. */
#include <math.h>
#include <stdint.h>

void evaluate(int64_t accounts, int64_t slots, int64_t portfolios, const int64_t *qty, const int64_t *row,
              const int32_t *local, const double *price, const double *target, const double *limit,
              const double *cash_weight, const int64_t *count, const int64_t *cooldown, const uint8_t *calendar,
              const uint8_t *active, const int64_t *cash, const int64_t *reserved, const int64_t *cash_floor,
              const int32_t *rebalanced_on, const int32_t *system_run_on, const uint16_t *marks, const double *besides,
              int64_t today, uint8_t *outcome) {
    for (int64_t i = 0; i < accounts; i++) {
        int64_t r = row[i], p = local[i];
        double value[slots], invested = besides[r];
        for (int64_t s = 0; s < slots; s++) {
            value[s] = (double)qty[s * accounts + i] * price[s * portfolios + p];
            invested += value[s];
        }
        double money = (double)cash[r] * 1e-9, equity = invested + money, factor = 10000 / equity, widest = -INFINITY;
        for (int64_t s = 0; s < slots; s++) {
            double over = fabs(value[s] * factor - target[s * portfolios + p]) - limit[s * portfolios + p];
            if (over > widest) widest = over;
        }
        int blocked = !active[p] || marks[r] || (invested > 0 && (equity <= 0 || invested > 6 * equity)) ||
                      system_run_on[r] == today;
        int first = rebalanced_on[r] < 0, cooling = !first && today < rebalanced_on[r] + cooldown[p];
        int fires = first || (!cooling && (calendar[p] || widest > 0));
        double keep = fmax(fmax(equity, 0) * cash_weight[p], (double)cash_floor[r] * 1e-9);
        int invests = money - (double)reserved[r] * 1e-9 - keep >= 10;
        outcome[r] = blocked ? 3 : fires && equity >= (double)count[p] ? 0 : invests ? 1 : 2;
    }
}
