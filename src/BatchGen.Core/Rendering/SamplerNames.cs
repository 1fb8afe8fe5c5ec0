namespace BatchGen.Core.Rendering;

/// <summary>The samplers jobs may name.</summary>
public static class SamplerNames
{
    /// <summary>Every name, in the order help texts list them.</summary>
    public static IReadOnlyList<string> All { get; } =
    [
        "ddim", "pndm", "euler", "euler_karras", "euler_a", "heun", "heun_karras", "dpmpp_2m", "dpmpp_2m_karras", "dpmpp_2m_sde",
        "dpmpp_2m_sde_karras", "dpmpp_2s", "dpmpp_2s_karras", "kdpm2", "kdpm2_karras", "kdpm2_a", "kdpm2_a_karras", "lms", "lms_karras",
        "unipc", "unipc_karras", "deis", "ddpm", "lcm", "ddim_trailing", "euler_trailing", "euler_a_trailing", "dpmpp_2m_trailing",
    ];
}
