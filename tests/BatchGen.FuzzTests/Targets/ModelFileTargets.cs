using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using System.Text.Json;
using BatchGen.Core.Failures;
using BatchGen.Diffusion.Adapters;
using BatchGen.Diffusion.Safetensors;
using BatchGen.Diffusion.Text;
using BatchGen.FuzzTests.Guided;

namespace BatchGen.FuzzTests.Targets;

/// <summary>Files of models and adapters.</summary>
internal static class ModelFileTargets
{
    private const int MaxMessage = 4000;
    private const int MaxDataBytes = 1 << 20;

    private static readonly string Folder = Directory.CreateTempSubdirectory("batchgen-fuzz-files-").FullName;

    private static readonly IReadOnlyList<byte[]> JsonWords = FuzzTarget.Texts(
        "{", "}", "[", "]", ":", ",", "\"", "null", "true", "\\u0000", "\\ud800", "\"__metadata__\"", "\"dtype\"", "\"shape\"",
        "\"data_offsets\"",
        "\"F16\"", "\"BF16\"", "\"F8_E4M3\"", "\"I64\"", "\"U8\"");

    public static IReadOnlyList<FuzzTarget> All { get; } =
    [
        new("safetensors-header", Header, failure => failure is SafetensorsException, FuzzTarget.Texts(
            """{"a":{"dtype":"F32","shape":[2,4],"data_offsets":[0,32]},"b":{"dtype":"F16","shape":[],"data_offsets":[32,34]}}""",
            """{"__metadata__":{"format":"pt"},"x":{"dtype":"BF16","shape":[0],"data_offsets":[0,0]}}     """), JsonWords, MaxMessage),
        new("safetensors-file", WeightFile, failure => failure is AdapterException, [SafetensorsBytes(Encoding.UTF8.GetBytes(
            """{"lora_unet_mid_block_attentions_0_proj_in.lora_down.weight":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}}"""), 8)],
            JsonWords, MaxMessage),
        new("adapter-keys", Keys, failure => failure is AdapterException, FuzzTarget.Texts(
            "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q.lora_down.weight 4 8\n"
            + "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q.lora_up.weight 8 4\n"
            + "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q.alpha\n",
            "unet.mid_block.attentions.0.proj_in.lora_A.weight 4 8 1 1\nunet.mid_block.attentions.0.proj_in.lora_B.weight 8 4 1 1\n",
            "lora_te_text_model_encoder_layers_0_mlp_fc1.hada_w1_a 8 4\nlora_te_text_model_encoder_layers_0_mlp_fc1.hada_w1_b 4 8\n",
            "base_model.model.text_model.encoder.layers.1.self_attn.q_proj.lora_A.default.weight 2 4\n",
            "unet:0:up 8 4\nunet:0:down 4 8\n", "emb_params 2 768\n", "string_to_param.* 1 768\n"),
            FuzzTarget.Texts(
                "lora_unet_", "lora_te_", "lora_te1_", "lora_te2_", "unet.", "text_encoder.", "text_encoder_2.", "transformer.",
                ".lora_down.weight",
                ".lora_up.weight", ".lora_mid.weight", ".alpha", ".hada_w1_a", ".hada_t1", ".lokr_w1", ".lokr_w2_a", ".lokr_t2",
                ".oft_blocks",
                ".dora_scale", ".lora_magnitude_vector", ".diff", ".diff_b", ".on_input", "processor.to_q_lora.down.weight",
                "input_blocks_1_1_",
                "down_blocks_0_", "attentions_0_", "\n", " 1 1", ".default.weight", "clip_g", "clip_l", ".lora.up.weight"), MaxMessage),
        new("peft-config", Peft, failure => failure is AdapterException, FuzzTarget.Texts(
            """{"r":4,"lora_alpha":8,"peft_type":"LORA","use_rslora":true,"rank_pattern":{"mid.*to_q":8},"alpha_pattern":{"^a|b$":2}}""",
            """{"unet.r":4,"unet.lora_alpha":8,"unet.use_dora":false,"text_encoder.r":8,"text_encoder.lora_alpha":1.5}"""),
            FuzzTarget.Texts(
                "\"rank_pattern\"", "\"alpha_pattern\"", "(a+)+$", "(.*)*x", "[", "\\\\d{1,1000}", "\"use_rslora\"", "unet.",
                "text_encoder.", "{", "}"),
            MaxMessage),
        new("tokenizer-files", Tokenizer, failure => failure is ModelException, FuzzTarget.Texts(
            """{"<|startoftext|>":3,"<|endoftext|>":4,"a</w>":0,"b":1,"ab</w>":2}""" + "\0#version: 0.2\na b\nb a</w>\n\0"
            + """{"model_max_length":77,"pad_token":"<|endoftext|>"}""" + "\0" + """{"pad_token":{"content":"!"}}"""),
            FuzzTarget.Texts(
                "\0", "\"model_max_length\"", "\"pad_token\"", "\"content\"", "<|endoftext|>", "</w>", "\n", "{", "}", "[", "null",
                "\"added_tokens_decoder\""),
            MaxMessage),
    ];

    private static void Header(byte[] input) => SafetensorsHeader.Parse(input, 8L + input.Length + 34, "header");

    private static void WeightFile(byte[] input)
    {
        var path = Path.Combine(Folder, "file.safetensors");
        File.WriteAllBytes(path, input);
        AdapterInspector.Inspect(path);
    }

    // A line is a key and its shape: what a changed header rarely is, a file whose offsets are right, this always is.
    private static void Keys(byte[] input)
    {
        using var json = new MemoryStream();
        long end = 0;
        using (var writer = new Utf8JsonWriter(json))
        {
            writer.WriteStartObject();
            var names = new HashSet<string>(StringComparer.Ordinal);
            foreach (var line in Encoding.UTF8.GetString(input).Split('\n', StringSplitOptions.RemoveEmptyEntries).Take(500))
            {
                var words = line.Split(' ');
                if (words[0] == "__metadata__" || !names.Add(words[0])) continue;
                var shape = words[1..].Take(8)
                    .Select(word => int.TryParse(word, CultureInfo.InvariantCulture, out var side) ? Math.Clamp(side, 0,
                        4096) : 1).ToArray();
                var bytes = shape.Aggregate(4L, (size, side) => Math.Min(size * side, MaxDataBytes + 1L));
                if (end + bytes > MaxDataBytes) continue;
                writer.WriteStartObject(words[0]);
                writer.WriteString("dtype", "F32");
                writer.WriteStartArray("shape");
                foreach (var side in shape) writer.WriteNumberValue(side);
                writer.WriteEndArray();
                writer.WriteStartArray("data_offsets");
                writer.WriteNumberValue(end);
                writer.WriteNumberValue(end += bytes);
                writer.WriteEndArray();
                writer.WriteEndObject();
            }

            writer.WriteEndObject();
        }

        WeightFile(SafetensorsBytes(json.ToArray(), end));
    }

    private static byte[] SafetensorsBytes(byte[] header, long dataBytes)
    {
        var file = new byte[8 + header.Length + dataBytes];
        BinaryPrimitives.WriteInt64LittleEndian(file, header.Length);
        header.CopyTo(file, 8);
        return file;
    }

    private static void Peft(byte[] input)
    {
        var path = Path.Combine(Folder, "adapter_config.json");
        var config = PeftConfig.FromMetadata(Encoding.UTF8.GetString(input), path);
        Scale(config);
        Scale(PeftConfig.Parse(input, path));
    }

    private static void Scale(PeftConfig config)
    {
        foreach (var component in new[] { "", "unet", "text_encoder" })
            config.Scale(component, "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q", 4);
    }

    // Four files, one after the other, with a zero byte between.
    private static void Tokenizer(byte[] input)
    {
        string[] names = ["vocab.json", "merges.txt", "tokenizer_config.json", "special_tokens_map.json"];
        var rest = input.AsSpan();
        foreach (var name in names)
        {
            var end = rest.IndexOf((byte)0) is var found and >= 0 ? found : rest.Length;
            File.WriteAllBytes(Path.Combine(Folder, name), rest[..end].ToArray());
            rest = rest[Math.Min(end + 1, rest.Length)..];
        }

        var tokenizer = ClipTokenizer.Load(Folder);
        tokenizer.EncodePadded("a big red circle, ab ba ÄÖ");
    }
}
