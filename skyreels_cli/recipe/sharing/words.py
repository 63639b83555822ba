"""What the compression of codes assumes to have seen already: the likelier, the nearer to the end.

A code can be read only with the very words that it was made with: a change here is a new format (see FORMAT there).
"""

from __future__ import annotations

NEGATIVE = (
    "Bright tones, overexposed, static, blurred details, subtitles, style, works, paintings, images, static, "
    "overall gray, worst quality, low quality, JPEG compression residue, ugly, incomplete, extra fingers, "
    "poorly drawn hands, poorly drawn faces, deformed, disfigured, misshapen limbs, fused fingers, "
    "still picture, messy background, three legs, many people in the background, walking backwards"
)
PROSE = (
    "The camera follows the subject. The camera dollies in. The camera pans to the left. The camera stays still. "
    "A close-up shot at eye level, in front view. A medium shot from a low angle, in side view. A long shot from a "
    "high angle, in aerial view. with a soft golden light, at dawn, in the background, of a woman in a, of a man in a, "
    "slowly, the film, frames, window, model, "
)
KEYS = (
    '"thumbnail":"","licence":"CC-BY-4.0","author":"","requires":{"skyreels":">=0.1","plugins":{},"model":"","lora":{}},'
    '"extends":"","codec":"h264","codec":"h265","codec":"av1","codec":"ffv1","quality":7.0,"dtype":"float32",'
    '"dtype":"float16","dtype":"bfloat16","lora":[],"options":{"teacache":{"threshold":0.2,"ret_steps":true}},'
    '"cache":"teacache","scheduler":"euler","scheduler":"unipc","rerolls":[{"window":1,"seed":1,"prompt":""}],'
    '"shots":[{"prompt":"","negative_prompt":"","num_frames":97,"guidance_scale":6.0,"seed":1,"cut":false},'
    '{"prompt":"","duration":"4s","cut":true}],"color_match":"anchor","color_match":"off","join":"latents",'
    '"join":"pixels","camera":{"shot":"close-up","angle":"low","position":"front","movement":["dolly-in"]},'
    '"aspect":"9:16","aspect":"16:9","duration":"inf","duration":"10s","image":"first.png","end_image":"last.png",'
    '"causal_attention":false,"model":"t2v-14b-540p","model":"i2v-14b-540p","model":"df-14b-720p",'
    '"model":"df-14b-540p","model":"df-1.3b-540p","resolution":"1280x720","resolution":"720P","resolution":"540P",'
    '"resolution":"960x544","num_frames":257,"fps":24,"seed":42,"inference_steps":30,"guidance_scale":6.0,"shift":8.0,'
    '"ar_step":5,"causal_block_size":5,"causal_attention":false,"base_num_frames":97,"overlap_history":17,'
    '"addnoise_condition":20,"name":"","title":"","tags":["long","fast"],"negative_prompt":"","description":"",'
    '{"schema":1,"prompt":"A '
)
WORDS = (PROSE + NEGATIVE + KEYS).encode("utf-8")
