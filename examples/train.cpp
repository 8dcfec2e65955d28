// SPDX-License-Identifier: Apache-2.0
/* train.cpp: the same from C++: owners that free by themselves, failures as exceptions.
 *
 *     c++ -std=c++17 train.cpp -o train $(pkg-config --cflags --libs auger)
 *     ./train prepared out FILES/HOLE.xls */
#include <auger/training.h>

#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>

namespace
{
struct freer {
    void operator()(auger_builder *builder) const { auger_builder_free(builder); }
    void operator()(auger_result *result) const { auger_result_free(result); }
};
using builder_owner = std::unique_ptr<auger_builder, freer>;
using result_owner = std::unique_ptr<auger_result, freer>;

struct failure : std::runtime_error {
    explicit failure(const auger_error &error)
        : std::runtime_error(std::string(error.text) + (*error.hint ? "\n" : "") + error.hint)
    {
    }
};

result_owner train(const std::string &data, const std::string &output)
{
    auger_error error;
    auto check = [&error](int rc) {
        if (rc < 0) throw failure(error);
    };
    auger_builder *made = nullptr;
    check(auger_builder_new(&made, &error));
    builder_owner builder(made);
    check(auger_builder_data(made, data.c_str(), &error));
    check(auger_builder_output(made, output.c_str(), &error));
    check(auger_builder_settings_text(made,
                                      "strategy: patchtsmixer_single\n"
                                      "model_config: {architecture: PatchTSMixer, d_model: 8}\n"
                                      "training_config: {epochs: 2}\n",
                                      &error));
    auto tell = [](void *, const auger_event *event) {
        if (event->kind == AUGER_EVENT_EPOCH)
            std::cout << event->training << ": epoch " << event->epoch << ", loss " << event->train_loss << '\n';
        return 0;
    };
    check(auger_builder_monitor(made, tell, nullptr, &error));
    auger_result *result = nullptr;
    check(auger_builder_build(made, &result, &error));
    return result_owner(result);
}
} // namespace

int main(int argc, char **argv)
try {
    if (argc != 4) throw std::invalid_argument("usage: train PREPARED OUTPUT HOLE");
    result_owner result = train(argv[1], argv[2]);
    auger_error error;
    auger_answer answer;
    if (auger_result_predict_file(result.get(), argv[3], &answer, &error) < 0) throw failure(error);
    if (answer.outcome == AUGER_OUTCOME_UNKNOWN)
        std::cout << "it cannot tell: " << answer.reason << '\n';
    else
        std::cout << "entry " << answer.entry.mm << " mm, exit " << answer.exit.mm << " mm\n";
    return 0;
} catch (const std::exception &error) {
    std::cerr << error.what() << '\n';
    return 1;
}
